"""For tests: start a simulator as a process of its own and steer it through its control endpoint."""

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

QUICK: Mapping[str, Any] = {"pace": 0.0, "load_time": 0.0, "prompt_time": 0.0, "pull_time": 0.5}
"""Where a test names no settings, the simulator does not dawdle."""

_PACKAGES = Path(__file__).resolve().parent.parent
_OWN = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy knows an address of this machine


class NotRunning(Exception):
    """The simulator did not start, or was not started."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(" ".join(command))


class Simulator:
    """A simulator in a process of its own, from `with` (or `start`) to its end.

    Settings are those of `python -m simulator --help`, with underscores; those in QUICK have other defaults here.
    """

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1", inside: Sequence[str] = (), **settings: Any) -> None:
        """`inside` are the words before its command, by which it runs on another machine."""
        self._inside = inside
        self._host = host
        self._port = port
        self._settings = {**QUICK, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._running().pid

    @property
    def port(self) -> int:
        """Where it listens; after `start` a free one was found."""
        return self._port

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start it, or start it again on the same port; returns when it answers.

        Raises:
            NotRunning: it ended instead.
        """
        options = [f"--{name.replace('_', '-')}={_written(value)}" for name, value in self._settings.items()]
        program = [*self._inside, sys.executable, "-m", "simulator"]
        command = [*program, f"--host={self._host}", f"--port={self._port}", *options]
        self._process = subprocess.Popen(command, cwd=_PACKAGES, stdout=subprocess.PIPE)  # noqa: S603 (our own words)
        line = self._stdout_line()
        if "listening on " not in line:
            self.stop()
            raise NotRunning(command)
        self.url = line.rpartition("listening on ")[2]
        self._port = int(self.url.rpartition(":")[2])
        return self

    def stop(self) -> None:
        """End it with SIGTERM, as the real one is ended; harmless when it has ended."""
        self._end(lambda process: process.terminate())

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(lambda process: process.kill())

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._running().send_signal(number)

    def wait(self, timeout: float = 10) -> int:
        """Wait until the process has ended by itself; its exit code."""
        return self._running().wait(timeout)

    def state(self) -> dict[str, Any]:
        """Settings, faults that are due, how many calls came, open connections, models and those loaded."""
        return dict(self._ask("GET", ""))

    def calls(self) -> list[dict[str, Any]]:
        """Every generate and chat call with a prompt, oldest first."""
        return list(self._ask("GET", "/calls"))

    def call(self, number: int) -> dict[str, Any]:
        """One of them, by its number from 1."""
        return dict(self._ask("GET", f"/calls/{number}"))

    def wait_for_call(self, number: int, timeout: float = 10) -> dict[str, Any]:
        """Wait until call `number` was received.

        Raises:
            TimeoutError: not within `timeout` seconds; so do the others that wait.
        """
        return self.wait_for("received", number, timeout=timeout)

    def wait_for_end(self, number: int, timeout: float = 10) -> dict[str, Any]:
        """Wait until call `number` is over, whether it was answered or its client left; `end` tells which."""
        return self.wait_for("ended", number, timeout=timeout)

    def wait_for_tokens(self, number: int, count: int, timeout: float = 10) -> dict[str, Any]:
        """Wait until call `number` has so many tokens."""
        return self.wait_for("tokens", number, count=count, timeout=timeout)

    def wait_for(self, what: str, number: int, *, count: int = 1, timeout: float = 10) -> dict[str, Any]:
        """Wait until call `number` is `received`, `loaded`, `started`, `ended`, at its `first_byte` or its `tokens`."""
        query = f"?wait={what}&count={count}&timeout={timeout}"
        return dict(self._ask("GET", f"/calls/{number}{query}", timeout=timeout + 5))

    def wait_for_ended(self, count: int, timeout: float = 10) -> list[dict[str, Any]]:
        """Wait until so many calls are over."""
        return list(self._ask("GET", f"/calls?wait=ended&count={count}&timeout={timeout}", timeout=timeout + 5))

    def fault(self, kind: str, **more: Any) -> None:
        """Have this go wrong with the next call; `times`, `match`, `after`, `seconds`, `status`, `text` say more."""
        self._ask("POST", "/faults", {"kind": kind, **more})

    def clear_faults(self) -> None:
        """Behave again. A call that hangs goes on hanging until its client leaves."""
        self._ask("DELETE", "/faults")

    def say(self, *answers: Mapping[str, Any]) -> None:
        """Have these said, in this order, to the calls that they fit; each may have a `text` and `tool_calls`."""
        self._ask("POST", "/answers", list(answers))

    def set(self, **settings: Any) -> None:
        """Change settings while it runs."""
        self._ask("PUT", "/settings", settings)

    def reset(self) -> None:
        """Be as at the start: settings, models, no faults, no calls, nothing loaded, no answer under way."""
        self._ask("DELETE", "")

    def _ask(self, method: str, path: str, body: Any = None, timeout: float = 10) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_simulator{path}", data, method=method)  # noqa: S310 (our own)
        try:
            with _OWN.open(request, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = json.load(error)["error"]
            if error.code == 408:  # noqa: PLR2004 (the wait was too long)
                late = f"{path}: {text}"
                raise TimeoutError(late) from None
            raise ValueError(text) from None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise NotRunning(())
        return self._process

    def _stdout_line(self) -> str:
        output = self._running().stdout
        return output.readline().decode().strip() if output else ""

    def _end(self, how: "Callable[[subprocess.Popen[bytes]], None]") -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            how(process)
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()


def _written(value: Any) -> str:
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
