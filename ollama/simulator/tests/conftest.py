"""What the tests share: one quick simulator, reset for each test, and the count of what was replayed."""

from collections.abc import Iterator

import pytest

from simulator.client import Simulator

from .not_served import NOT_SERVED
from .transcript import FILES, cases


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.reset()
    return running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    done = [each for each in terminalreporter.stats.get("passed", []) if "answered_as_recorded" in each.nodeid]
    if done:
        total = sum(len(cases(name)) for name in FILES) + len(NOT_SERVED)
        terminalreporter.write_line(
            f"Recordings of Ollama 0.33.0: {len(done)} of {total} exchanges replayed and met; "
            f"{len(NOT_SERVED)} are not served (reasons in not_served.py)."
        )
