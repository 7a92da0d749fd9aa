"""A pull tells how far it is, can be left and resumed, and fails as the real one does."""

from typing import Any

import pytest

from simulator.client import Simulator

from .raw import Raw, ask, get

PULL = {"model": "llama3.2"}


@pytest.fixture
def empty(simulator: Simulator) -> Simulator:
    """A simulator without a model."""
    simulator.set(models=[])
    return simulator


def progress(lines: list[Any]) -> list[int]:
    return [line.get("completed", 0) for line in lines if line.get("status") == "pulling dde5aa3fc5ff"]


def test_a_pull_goes_through_its_steps_and_the_model_is_there(empty: Simulator) -> None:
    empty.set(pull_time=0.3, pull_size=1_000_000)

    reply = ask(empty.port, "/api/pull", PULL)

    steps = [line["status"] for line in reply.lines]
    assert steps[:2] == ["pulling manifest", "pulling dde5aa3fc5ff"]
    assert steps[-3:] == ["verifying sha256 digest", "writing manifest", "success"]
    assert "completed" not in reply.lines[1]
    assert all(line["total"] == 1_000_000 for line in reply.lines if line["status"] == "pulling dde5aa3fc5ff")
    amounts = progress(reply.lines)
    assert amounts == sorted(amounts)
    assert len(set(amounts)) >= 4
    assert amounts[-1] == 1_000_000
    assert get(empty.port, "/api/tags").json["models"][0]["name"] == "llama3.2:latest"


def test_a_model_is_not_there_before_its_pull_has_ended(empty: Simulator) -> None:
    empty.set(pull_time=30)
    with Raw(empty.port) as raw:
        raw.post("/api/pull", PULL)
        raw.head()
        raw.line()

        assert get(empty.port, "/api/tags").json == {"models": []}
        assert ask(empty.port, "/api/generate", PULL | {"prompt": "hi"}).code == 404


def test_leaving_stops_the_download_and_the_next_pull_resumes_it(empty: Simulator) -> None:
    empty.set(pull_time=3.0, pull_size=1_000_000)
    with Raw(empty.port) as raw:
        raw.post("/api/pull", PULL)
        raw.head()
        lines = [raw.line() for _ in range(8)]
    reached = progress(lines)[-1]
    assert 0 < reached < 900_000

    empty.set(pull_time=0.2)
    resumed = progress(ask(empty.port, "/api/pull", PULL).lines)

    assert resumed[0] >= reached


def test_a_stalled_pull_goes_on_talking_and_does_not_move(empty: Simulator) -> None:
    empty.set(pull_time=0.1, pull_stall=0.5, pull_size=1_000_000)
    with Raw(empty.port) as raw:
        raw.post("/api/pull", PULL)
        raw.head()
        lines = [raw.line() for _ in range(10)]

        assert progress(lines)[-3:] == [500_000] * 3

        empty.set(pull_stall=1)
        while (line := raw.line()) is not None:
            lines.append(line)
    assert lines[-1] == {"status": "success"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no_host", "no such host"),
        ("timeout", "i/o timeout"),
        ("refused", "connection refused"),
        ("server_error", "503: "),
        ("digest", "digest mismatch, file must be downloaded again"),
        ("anything else", "anything else"),
    ],
)
def test_a_failure_is_a_last_line_after_a_200(empty: Simulator, kind: str, words: str) -> None:
    empty.set(pull_error=kind)

    reply = ask(empty.port, "/api/pull", PULL)

    assert reply.code == 200
    assert reply.lines[0] == {"status": "pulling manifest"}
    assert words in reply.lines[-1]["error"]
    assert len(reply.lines) == 2


def test_a_failure_can_come_in_the_middle_and_the_next_pull_resumes(empty: Simulator) -> None:
    empty.set(pull_time=0.2, pull_size=1_000_000, pull_error="server_error", pull_error_at=0.5)
    reply = ask(empty.port, "/api/pull", PULL)
    assert progress(reply.lines)[-1] == 500_000
    assert reply.lines[-1] == {"error": "503: "}

    empty.set(pull_error="")

    resumed = ask(empty.port, "/api/pull", PULL).lines
    assert progress(resumed)[0] == 500_000
    assert resumed[-1] == {"status": "success"}


def test_unstreamed_it_is_one_object_and_a_failure_a_500(empty: Simulator) -> None:
    empty.set(pull_time=0)
    assert ask(empty.port, "/api/pull", PULL | {"stream": False}).json == {"status": "success"}

    reply = ask(empty.port, "/api/pull", {"model": "nope", "stream": False})

    assert (reply.code, reply.json) == (500, {"error": "pull model manifest: file does not exist"})


def test_an_installed_model_is_pulled_in_a_moment(simulator: Simulator) -> None:
    simulator.set(pull_time=30)

    assert ask(simulator.port, "/api/pull", PULL).lines[-1] == {"status": "success"}
