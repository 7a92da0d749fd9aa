"""What can happen to the PostgreSQL that keeps the queue: 503 in words, nothing lost, and then service by itself."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from support.machine import need_postgres
from support.pgbouncer import pgbouncer
from support.postgres import USER, PostgresServer, postgres_server
from support.small_disk import mounted
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.client import Simulator
    from support.client import Reply
    from support.stack import Stack

WORDS = "word " * 60
MOST = 25.0  # seconds within which every request is answered, whatever the server does


@pytest.fixture
def started() -> Iterator[Callable[..., PostgresServer]]:
    """Start servers of a test's own."""
    need_postgres()
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(postgres_server(**settings))


def refused(reply: Reply) -> bool:
    """Whether it was refused as the contract says; nothing but that and 202 may come."""
    if reply.status == 202:
        return False
    assert (reply.status, reply.code) == (503, "storage_unavailable"), reply.text
    assert int(reply.headers["Retry-After"]) > 0
    return True


@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_server_whose_disk_is_full_refuses_with_words_loses_nothing_and_goes_on_by_itself(
    build: Callable[..., Stack], started: Callable[..., PostgresServer]
) -> None:
    random = Random(1)
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as parent:
        Path(parent).chmod(0o755)
        with mounted(Path(parent) / "disk", size="160m") as disk, ExitStack() as running:
            server = running.enter_context(postgres_server(folder=disk.path))
            stack = build(DATABASE_URL=server.url())
            running.callback(stack.stop)
            stack.start()
            talking = stack.submit("Why?")
            until(lambda: stack.status(talking)["tokens"], "it is being answered")
            accepted = [talking]

            def submit() -> Reply:
                text = random.randbytes(5_000).hex()  # which nothing makes shorter
                reply = stack.post("/api/v1/prompt", {"prompt": text, "options": {"num_predict": 1}})
                if not refused(reply):
                    accepted.append(reply.json["id"])
                return reply

            disk.fill()
            told = until(lambda: reply if (reply := submit()).status == 503 else None, "the disk is full")
            standing = {stack.status(prompt_id)["status"] for prompt_id in accepted}
            disk.make_room()

            until(lambda: submit().status == 202, "prompts are accepted again")
            assert "nothing was changed" in told.json["error"]["message"]
            assert "No space left on device" in stack.log("proxy")
            assert "so give it room" in stack.log("proxy")
            assert standing <= {"queued", "processing", "completed"}
            assert {stack.result(prompt_id).status for prompt_id in accepted} == {200}
            assert stack.answer(talking) == WORDS
            assert {stack.status(prompt_id)["attempt"] for prompt_id in accepted} == {1}


@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_fail_over_to_a_standby_that_the_url_names_costs_no_prompt_and_no_attempt(
    build: Callable[..., Stack], simulator: Simulator, started: Callable[..., PostgresServer]
) -> None:
    primary = started()
    standby = started(primary=primary)
    addresses = (
        f"127.0.0.1:{standby.port},127.0.0.1:{primary.port}"  # the standby first: the primary is found all the same
    )
    stack = build(DATABASE_URL=f"postgresql://{USER}@{addresses}/postgres", LEASE_SECONDS="2")
    stack.start()
    prompts = [stack.submit(text) for text in ("Why?", "And then?")]
    until(lambda: stack.status(prompts[0])["tokens"], "it is being answered")
    until(lambda: standby.has_all_of(primary), "the standby has all of it")

    primary.kill()
    standby.promote()

    assert [stack.answer(each) for each in prompts] == [WORDS] * 2
    assert [stack.status(each)["attempt"] for each in prompts] == [1, 1]
    assert [call["end"] for call in simulator.calls()] == ["finished"] * 2


@pytest.mark.ollama(text="short")
def test_a_synchronous_standby_that_is_away_is_told_as_not_known_and_nothing_waits_for_ever(
    build: Callable[..., Stack], started: Callable[..., PostgresServer]
) -> None:
    server = started()
    stack = build(DATABASE_URL=server.url())
    stack.start()
    stack.answer(stack.submit("All is well."))
    key = {"Idempotency-Key": "a-key-of-sixteen-characters"}

    server.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
    server.ask("SELECT pg_reload_conf()")
    since = time.monotonic()
    told = stack.post("/api/v1/prompt", {"prompt": "Are you there?"}, **key)
    waited = time.monotonic() - since
    server.ask("ALTER SYSTEM RESET synchronous_standby_names")
    server.ask("SELECT pg_reload_conf()")

    assert refused(told)
    assert "Idempotency-Key" in told.json["error"]["message"]
    assert waited < MOST
    again = until(
        lambda: (
            reply
            if (reply := stack.post("/api/v1/prompt", {"prompt": "Are you there?"}, **key)).status == 202
            else None
        ),
        "it is accepted",
    )
    assert stack.answer(again.json["id"]) == "short"
    assert stack.queue()["queued"] == 0


@pytest.mark.ollama(text="short")
def test_the_product_works_behind_a_pooler_that_lends_connections_for_sessions(
    build: Callable[..., Stack], started: Callable[..., PostgresServer]
) -> None:
    with pgbouncer(started(durable=False), pool_mode="session") as url:
        stack = build(DATABASE_URL=url("postgres"))
        stack.start()
        prompt_id = stack.submit("Are you there?")

        assert [event.kind for event in stack.events_of(prompt_id)][-1] == "completed"
        assert stack.answer(prompt_id) == "short"
        stack.stop()
