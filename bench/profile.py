"""`python -m bench.profile`: where the time of a submission, a status and an answer goes, from a sampling profiler.

py-spy looks at the process a thousand times a second, from outside. Each look is counted for the innermost layer on a
thread's stack; a thread that only waits for work is not counted. The tables go into docs/profile.md.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from bench import section
from bench.clients import SUBMISSION, Connection
from bench.workbench import Workbench, end_on_a_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.processes import Process

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/profile.md"
RATE = 1000  # looks a second
REQUESTS, ANSWERS, TOKENS = 3000, 500, 20
REST = "the rest"


class Layer(NamedTuple):
    """What is called so, by an expression for its frames, such as `run (promptqueue/sqlite/file/connection.py:9)`."""

    name: str
    frames: str
    whole: bool = False  # all that is done inside is its work, whoever does it


def _line(file: str, words: str) -> str:
    """Name a line of ours by what stands in it."""
    [path] = ROOT.glob(f"services/*/src/{file}")
    [number] = [at for at, line in enumerate(path.read_text().splitlines(), 1) if words in line]
    return rf"{re.escape(file)}:{number}\)"


WAITS = "|".join(
    (
        r"gevent/_?hub\w*\.py",
        r"\bwait \(threading\.py|gevent/_threading\.py",
        r"_listen \(promptqueue/sqlite/host/datagrams",
        r"worker/signals\.py",
        r"get \(queue\.py|Watcher\._turn|\b_turn \(worker/answering/watcher",
    )
)
QUEUE = (
    Layer("SQLite's COMMIT: the disk", _line("promptqueue/sqlite/file/open_files.py", '"COMMIT"'), whole=True),
    Layer("taking turns", r"promptqueue/sqlite/host/turnstile\.py"),
    Layer("waking those who wait", r"promptqueue/sqlite/host/datagrams\.py"),
    Layer("the queue's statements", r"promptqueue/"),
)
OF_PROXY = (
    *QUEUE,
    Layer("logging", r"logging/__init__|proxy/serving/logs"),
    Layer(
        "to the writer and back",
        r"proxy/(storage|serving/concurrency|live/held_requests)|gevent/(event|_abstract|_greenlet|thread)",
    ),
    Layer("reading, checking, telling JSON", r"proxy/(serving/body|api/envelope|asking)|pydantic"),
    Layer("Flask and Werkzeug", r"flask/|werkzeug/|jinja2/"),
    Layer("the proxy's endpoints", r"proxy/"),
    Layer("Gunicorn and gevent", r"gunicorn/|gevent/"),
)
OF_WORKER = (
    Layer("live text", _line("worker/answering/slot.py", "self._queue.stream_text("), whole=True),
    *QUEUE,
    Layer("waiting for the model server", r"readinto \(socket\.py"),
    Layer("HTTP", r"requests/|urllib3/|http/client"),
    Layer("reading JSON", r"json/"),
    Layer("logging", r"logging/__init__"),
    Layer("the worker's own", r"worker/"),
)


def main() -> int:
    """Profile all three, print the tables, and put them into the page."""
    end_on_a_signal()
    console, tables = Console(), []
    with Workbench() as bench:
        for title, profiled in (("submission", _submission), ("status", _status), ("answered prompt", _answer)):
            console.print(f"Profiling one {title} …")
            tables += [f"One {title}:", "", *_table(profiled(bench)), ""]
    console.print("\n".join(tables), markup=False, highlight=False)
    section.rewrite(PAGE, "make profile", tables)
    return 0


def _submission(bench: Workbench) -> Counter[str]:
    with bench.product(worker=False) as product, Connection(product.url) as client:
        server = product.processes()[-1]
        return _profiled(server, OF_PROXY, REQUESTS, lambda: client.ask("POST", "/api/v1/prompt", SUBMISSION), bench)


def _status(bench: Workbench) -> Counter[str]:
    with bench.product(worker=False) as product, Connection(product.url) as client:
        path = f"/api/v1/prompt/{client.submit()}/status"
        return _profiled(product.processes()[-1], OF_PROXY, REQUESTS, lambda: client.ask("GET", path), bench)


def _answer(bench: Workbench) -> Counter[str]:
    with bench.product(bench.model_server(tokens=TOKENS)) as product, Connection(product.url) as client:
        worker = product.worker_process()
        return _profiled(worker, OF_WORKER, ANSWERS, lambda: client.result(client.submit()), bench)


def _profiled(
    process: Process, layers: tuple[Layer, ...], number: int, ask: Callable[[], object], bench: Workbench
) -> Counter[str]:
    """Ask so often, and give the microseconds that each layer takes of one."""
    for _ in range(number // 10):
        ask()
    found: Counter[str] = Counter()
    with _watched(process, bench.new_folder() / "stacks") as stacks:
        for _ in range(number):
            ask()
    for frames, looks in looked_at(stacks.read_text(errors="replace")):
        if not re.search(WAITS, frames[-1]):
            found[_layer(frames, layers)] += looks
    return Counter({name: round(looks * 1_000_000 / RATE / number) for name, looks in found.items()})


@contextmanager
def _watched(process: Process, stacks: Path) -> Iterator[Path]:
    words = (
        f"record --pid {process.pid} --rate {RATE} --duration 600 --format raw --full-filenames --idle --nonblocking"
    )
    program = str(Path(sys.executable).with_name("py-spy"))
    profiler = subprocess.Popen([program, *words.split(), "--output", str(stacks)], stdout=subprocess.PIPE)
    with profiler:
        assert profiler.stdout
        profiler.stdout.readline()  # it has begun
        yield stacks
        profiler.send_signal(signal.SIGINT)
        profiler.communicate()  # it writes what it has, and ends


def looked_at(told: str) -> Iterator[tuple[list[str], int]]:
    """Read py-spy's stacks: the frames, the innermost last, and how often they were seen.

    It reads a running process, so a name may be anything by then, a line's end included: each number ends a stack.
    """
    for stack, looks in re.findall(r"(.+?) (\d+)$", told, re.DOTALL | re.MULTILINE):
        yield [_short(frame) for frame in stack.strip("\n").split(";")], int(looks)


def _short(frame: str) -> str:
    return re.sub(r"\(\S*?/(?:site-packages|src|python3\.\d+)/", "(", frame)


def _layer(frames: list[str], layers: tuple[Layer, ...]) -> str:
    for layer in layers:
        if layer.whole and any(re.search(layer.frames, frame) for frame in frames):
            return layer.name
    inner = (layer.name for frame in reversed(frames) for layer in layers if re.search(layer.frames, frame))
    return next(inner, REST)


def _table(microseconds: Counter[str]) -> list[str]:
    rows = [
        f"| {name} | {time} | {100 * time / microseconds.total():.0f} % |" for name, time in microseconds.most_common()
    ]
    return ["| layer | µs | share |", "|---|---:|---:|", *rows, f"| **all** | **{microseconds.total()}** | |"]


if __name__ == "__main__":
    sys.exit(main())
