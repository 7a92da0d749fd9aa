"""What `make run` and `make demo` do once the environment is there."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.command import Command
from support.front_door import FrontDoor
from support.ports import free_port
from support.processes import Process, below, everything
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.client import Simulator

USED = ["local", "services/worker/supervisord.conf", "services/proxy/gunicorn.conf.py", "ollama/simulator"]
STARTED_WITHIN = 60  # seconds
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [a-z][\w.]* \S")


class Local(Command):
    """`python -m local.start`, as make calls it, in a folder of its own."""

    def __init__(self, kind: str, folder: Path, *before: str, **variables: str) -> None:
        self.port = free_port()
        self.door = FrontDoor(f"http://127.0.0.1:{self.port}")
        start = [*before, sys.executable, "-m", "local.start", kind]
        super().__init__(start, folder, folder / "log", **{"PROXY_PORT": str(self.port), **variables})

    def process(self, arguments: str) -> Process | None:
        """The first of its processes whose command holds these words."""
        return next((each for each in self.processes() if arguments in each.arguments), None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What these two use of a checkout, and nothing else."""
    for name in USED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Local]]:
    started: list[Local] = []

    def start(kind: str, *before: str, **variables: str) -> Local:
        started.append(Local(kind, folder, *before, **variables))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def outer_proxy() -> Iterator[tuple[dict[str, str], list[str]]]:
    """A proxy for the outside world, by the variables that name it; what it was asked."""
    heard: list[str] = []

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    heard.append(client.recv(4096).decode(errors="replace").partition("\r\n")[0])
                    client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        names = ("http_proxy", "https_proxy", "all_proxy")
        threading.Thread(target=listen, daemon=True).start()
        yield {spelt: url for name in names for spelt in (name, name.upper())} | {"no_proxy": "", "NO_PROXY": ""}, heard


def test_own_addresses_never_go_through_a_proxy(
    start: Callable[..., Local], outer_proxy: tuple[dict[str, str], list[str]]
) -> None:
    variables, heard = outer_proxy

    demo = start("demo", **variables)
    demo.until_it_says("Stop:     Ctrl+C")

    assert "Simulated answer" in demo.door.answer(demo.door.submit("Why is the sky blue?"))
    assert heard == []


def test_the_demo_ends_without_a_warning_and_its_log_has_one_form(start: Callable[..., Local]) -> None:
    demo = start("demo")
    demo.until_it_says("Stop:     Ctrl+C")
    demo.door.submit("Why is the sky blue?")

    assert demo.interrupt() == 0

    own = ("  Page:", "  Answers:", "  Queue:", "  Stop:", "Stopping; ")
    lines = [line for line in demo.said.splitlines() if line and not line.startswith(own)]
    assert [line for line in lines if not LINE.match(line)] == []
    sayers = {line.split()[2].partition(".")[0] for line in lines}
    assert {"gunicorn", "promptqueue", "proxy", "simulator", "supervisord", "worker"} <= sayers
    assert [line for line in lines if " WARNING " in line and "received SIGTERM" not in line] == []


def test_nohup_keeps_it_when_the_terminal_is_closed(start: Callable[..., Local]) -> None:
    demo = start("demo", "nohup")
    demo.until_it_says("Stop:     Ctrl+C")

    demo.hang_up()

    assert "Simulated answer" in demo.door.answer(demo.door.submit("Why is the sky blue?"))
    assert "SIGTERM" not in demo.said


def test_lines_that_go_to_a_file_write_over_no_others(start: Callable[..., Local]) -> None:
    demo = start("demo")
    demo.until_it_says("Stop:     Ctrl+C")
    early = demo.said

    demo.interrupt()

    assert demo.said.startswith(early)
    for once in ("janitor started", "worker started", "model ready", "Booting worker", "  Page:  ", "worker ended"):
        assert demo.said.count(once) == 1, once


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_proxy_that_ends_is_started_again(start: Callable[..., Local], number: signal.Signals) -> None:
    demo = start("demo")
    demo.until_it_says("Stop:     Ctrl+C")
    prompt = demo.door.submit("Why is the sky blue?")
    first = demo.process("gunicorn")
    assert first

    first.signal(number)

    until(lambda: (again := demo.process("gunicorn")) and again.pid != first.pid, "another proxy runs", 30)
    # What is left of a killed one may still take a connection, and lets go of it within a second or two.
    answer = until(lambda: (told := demo.door.result(prompt)).status == 200 and told, "it answers", 30)
    assert "Simulated answer" in answer.text


def test_a_proxy_that_cannot_be_kept_ends_the_product_with_a_sentence(
    start: Callable[..., Local], folder: Path
) -> None:
    demo = start("demo")
    demo.until_it_says("Stop:     Ctrl+C")
    (folder / "services/proxy/gunicorn.conf.py").write_text("raise SystemExit('broken on purpose')\n")
    running = {each.pid for each in below(demo._process.pid)}

    gunicorn = demo.process("gunicorn")
    assert gunicorn
    gunicorn.signal(signal.SIGTERM)

    assert demo.wait() == 1
    assert "program given up, all others end name=proxy" in demo.said
    assert demo.said.count("broken on purpose") >= 3
    assert demo.said.endswith("one of its programs cannot be kept running; the log above says why.\n")
    assert [each for each in everything() if each.pid in running] == []


def test_a_second_ctrl_c_does_not_wait_for_the_prompt_in_hand(
    start: Callable[..., Local], simulator: Simulator
) -> None:
    simulator.set(pace=1, text="word " * 200)
    product = start("run", OLLAMA_URLS=simulator.url)
    product.until_it_says("Stop:     Ctrl+C")
    product.door.submit("Why is the sky blue?")
    simulator.wait_for_tokens(1, 1)

    product.press_ctrl_c()
    product.until_it_says("worker drains")

    assert product.interrupt() == 0
    assert "drain ended by a second signal" in product.said


def test_what_is_left_of_a_killed_supervisord_is_ended(start: Callable[..., Local]) -> None:
    demo = start("demo")
    demo.until_it_says("Stop:     Ctrl+C")
    running = {each.pid for each in below(demo._process.pid)}
    supervisord = demo.process("worker.supervision")
    assert supervisord

    supervisord.signal(signal.SIGKILL)

    assert demo.wait() == 1
    until(lambda: not [each for each in everything() if each.pid in running], "nothing of it runs", 30)


def test_the_folder_of_the_queue_is_its_owners_alone(start: Callable[..., Local], folder: Path) -> None:
    older = folder / "data"
    older.mkdir(mode=0o755)
    older.chmod(0o755)

    start("demo").until_it_says("Stop:     Ctrl+C")

    assert older.stat().st_mode & 0o777 == 0o700


def test_make_run_says_what_to_do_where_no_ollama_answers(start: Callable[..., Local]) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"

    product = start("run", OLLAMA_URLS=nobody)
    product.until_it_says("Stop:     Ctrl+C")

    assert "Answers:  from the Ollama" not in product.said
    assert f"  Answers:  none yet, prompts wait. The Ollama at {nobody} does not answer:\n" in product.said
    assert "Connection refused; no Ollama listens there: start it with 'ollama serve', or name another" in product.said
    assert product.door.get("/api/v1/queue").json["model"]["state"] == "unreachable"


def test_make_run_says_from_whom_the_answers_come_where_an_ollama_answers(
    start: Callable[..., Local], simulator: Simulator
) -> None:
    product = start("run", OLLAMA_URLS=simulator.url)

    product.until_it_says("Stop:     Ctrl+C")

    assert f"  Answers:  from the Ollama at {simulator.url}\n" in product.said
