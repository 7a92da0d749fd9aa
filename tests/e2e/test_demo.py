"""`make demo`, without what sets up its environment: the whole product from one command, and its end."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_door import FrontDoor
from processes import below, everything, free_port, until
from stack import ROOT, SOURCES

HERE = FrontDoor(f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the demo needs, for it keeps its data beside itself."""
    for name in ("local", "ollama", "services"):
        ignored = shutil.ignore_patterns("tests", "__pycache__", "node_modules", ".*")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    # The demo expects the packages to be installed, and the copy's are not: Python reads this at its start.
    sources = [str(tmp_path / source.relative_to(ROOT)) for source in SOURCES]
    (tmp_path / "ollama/sitecustomize.py").write_text(f"import sys\n\nsys.path[:0] = {sources!r}\n")
    return tmp_path


@pytest.fixture
def demo(checkout: Path) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(
        [sys.executable, "local/start.py", "demo"],
        cwd=checkout,
        env={**os.environ, "PROXY_PORT": HERE.url.rpartition(":")[2]},
        stdout=(checkout / "demo.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    yield started
    for process in below(started.pid):
        process.signal(signal.SIGKILL)
    started.wait()


def test_the_demo_answers_with_words_that_say_they_are_made_up_and_ctrl_c_ends_all_of_it(
    demo: subprocess.Popen[bytes], checkout: Path
) -> None:
    log = checkout / "demo.log"
    until(lambda: demo.poll() is not None or "Stop:     Ctrl+C" in log.read_text(), "it says how to stop it", 30)
    assert demo.poll() is None, log.read_text()
    assert "they are made up" in log.read_text()
    assert "<title>Ollama Proxy</title>" in HERE.get("/").text
    assert "Simulated answer" in HERE.answer(HERE.submit("Why is the sky blue?"))
    assert (checkout / "data/demo/queue.db").exists()
    running = {process.pid for process in below(demo.pid)}
    assert len(running) >= 7

    demo.send_signal(signal.SIGINT)

    assert demo.wait(10) == 0
    assert [process for process in everything() if process.pid in running] == []
