"""Whether the worker lives: its heartbeat file, the command that checks it, and the end of a container that lost one.

`python -m worker.health` is the health check. `health.py end-when-fatal`, run by supervisord as an event listener, ends
supervisord when it gives a program up. Both must start small: they import only small parts of the standard library.
"""

import os
import signal
import sys
import time

STALE_AFTER = 30.0  # seconds without a heartbeat


def heartbeat_path() -> str:
    """Give the file whose age tells whether the worker lives."""
    environ = os.environ  # noqa: TID251 (an entry file)
    folder = environ.get("TMPDIR") or "/tmp"  # noqa: S108 (in the container a tmpfs of its own)
    return environ.get("HEARTBEAT_PATH") or f"{folder}/ollama-proxy-worker.heartbeat"


def beat(path: str) -> None:
    """Say that the worker lives. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    os.utime(path)


def ailment(path: str) -> str | None:
    """Say in one sentence what is wrong; None while the heartbeat is fresh."""
    try:
        # mtime is wall time, so a step of the clock can cost one wrong answer, until the next heartbeat. After a step
        # back a worker that hangs would else seem fresh for as long as the step was.
        age = time.time() - os.stat(path).st_mtime  # noqa: PTH116 (pathlib would cost the listener a megabyte)
    except FileNotFoundError:
        return f"The worker has not written its heartbeat {path} yet."
    if abs(age) < STALE_AFTER:
        return None
    return f"The worker's last heartbeat was {age:.0f} seconds ago: one of its threads hangs."


def end_when_fatal() -> None:
    """Serve supervisord as an event listener: end it when it gives a program up, so that Docker starts all anew."""
    supervisord = os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # as supervisord expects of what it ends
    while True:
        os.write(1, b"READY\n")
        header = _line()
        if not header:
            return  # supervisord is gone
        fields = dict(field.split(":", 1) for field in header.split())
        payload = _exactly(int(fields["len"]))
        if fields["eventname"] == "PROCESS_STATE_FATAL":
            name = dict(field.split(":", 1) for field in payload.split())["processname"]
            os.write(2, f"{moment()} CRITICAL supervisord program given up, all others end name={name}\n".encode())
            if os.getppid() == supervisord:  # else it is gone, and the process that adopted this one must live
                os.kill(supervisord, signal.SIGTERM)
        os.write(1, b"RESULT 2\nOK")


def moment() -> str:
    """Give the time as the log does: UTC, ISO 8601 with milliseconds and Z."""
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def main(arguments: list[str]) -> int:
    """Run the health check, or the listener."""
    if arguments == ["end-when-fatal"]:
        end_when_fatal()
        return 0
    sentence = ailment(heartbeat_path())
    if sentence:
        sys.stderr.write(f"{sentence}\n")
        return 1
    return 0


def _line() -> str:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return ""
        line += byte
    return line.decode()


def _exactly(count: int) -> str:
    read = b""
    while len(read) < count and (more := os.read(0, count - len(read))):
        read += more
    return read.decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
