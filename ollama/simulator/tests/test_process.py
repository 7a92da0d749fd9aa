"""The program itself: how it starts and how it ends."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.client import NotRunning, Simulator

from .raw import Raw, get

PACKAGES = Path(__file__).parents[2]
PROMPT = {"model": "llama3.2", "prompt": "hi"}


def test_it_needs_nothing_but_the_standard_library() -> None:
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(PACKAGES)!r}); import simulator.server, simulator.client",
    ]

    assert subprocess.run(command, check=False).returncode == 0


def test_help_tells_every_setting() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "simulator", "--help"], cwd=PACKAGES, capture_output=True, text=True, check=True
    )

    for option in ("--pace", "--load-time", "--slots", "--no-model", "--models", "--pull-time", "--keep-alive"):
        assert option in run.stdout


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = subprocess.run(
            [sys.executable, "-m", "simulator", "--port", str(port)],
            cwd=PACKAGES,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run.returncode == 1
    assert run.stderr.endswith(f" cannot listen on 127.0.0.1:{port}: Address already in use\n")
    assert run.stderr.count("\n") == 1


def test_the_client_says_when_it_does_not_start() -> None:
    with pytest.raises(NotRunning):
        Simulator(nonsense=1).start()


def test_options_of_the_start_are_its_settings() -> None:
    with Simulator(models=[], slots=3, text="x") as simulator:
        settings = simulator.state()["settings"]

    assert (settings["models"], settings["slots"], settings["text"]) == ([], 3, "x")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_connections_without_a_last_chunk(number: int) -> None:
    with Simulator(pace=0.01) as simulator, Raw(simulator.port) as raw:
        raw.post("/api/generate", PROMPT)
        simulator.wait_for_tokens(1, 2)

        simulator.signal(number)

        assert raw.reply().is_whole is False
        assert simulator.wait() == 0


def test_it_comes_back_on_the_same_port_with_nothing_remembered() -> None:
    with Simulator() as simulator:
        port = simulator.port
        simulator.kill()
        with pytest.raises(ConnectionRefusedError):
            get(port, "/api/version")

        simulator.start()

        assert simulator.port == port
        assert simulator.calls() == []
