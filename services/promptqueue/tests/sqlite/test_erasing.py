"""No byte of what was erased stays on the disk, in the file or in its journal."""

import pytest
from promptqueue.prompt import Answered, ErrorCode, Failed, Idempotency

HOUR = 3600.0


@pytest.mark.parametrize(
    "ending",
    [
        Answered(record={"response": "SECRET answer"}, tokens=1),
        Failed(cause="SECRET cause", code=ErrorCode.MODEL_REFUSED),
        Failed(cause="SECRET cause"),
    ],
    ids=["answered", "failed", "to be tried again"],
)
def test_no_byte_of_a_deleted_prompts_texts_stays(queue, begin, stored_bytes, ending):
    claim = begin(text="SECRET request", metadata={"SECRET": "metadata"})
    for n in range(50):
        queue.write(claim, f"SECRET partial text {n:03} ", offset=24 * n, tokens=n)
    queue.finish(claim, ending)
    before = stored_bytes().count(b"SECRET")

    queue.delete(claim.prompt.id)

    assert before > 0
    assert b"SECRET" not in stored_bytes()


def test_no_byte_of_a_long_text_stays(queue, begin, stored_bytes):
    claim = begin(text="SECRET " * 20_000)
    queue.write(claim, "SECRET " * 20_000, offset=0, tokens=1)
    queue.finish(claim, Answered(record={"response": "SECRET " * 20_000}, tokens=1))

    queue.delete(claim.prompt.id)

    assert b"SECRET" not in stored_bytes()


def test_what_somebody_read_on_is_erased_from_the_journal_after_the_next_commit(
    queue, another, ask, stored_bytes, journal
):
    if journal != "wal":
        pytest.skip("under a rollback journal a commit itself waits for whoever reads")
    prompt_id = ask("SECRET")
    another._database.run("BEGIN")
    another.counts()

    queue.delete(prompt_id)
    between = stored_bytes()
    another._database.run("ROLLBACK")
    ask("The next one.")

    assert b"SECRET" in between
    assert b"SECRET" not in stored_bytes()


def test_texts_are_erased_among_those_of_others(queue, ask, terms, stored_bytes):
    for n in range(30):
        ask(f"kept {n} " + "x" * 100 * n)
        if n % 3 == 0:
            ask("SECRET request" + "y" * 77 * n, metadata={"SECRET": n})
    secrets = []
    while claim := queue.claim(terms):
        secret = claim.request["prompt"].startswith("SECRET")
        text = "SECRET text" if secret else "kept text"
        queue.write(claim, text, offset=0, tokens=1)
        queue.finish(claim, Answered(record={"response": text * claim.prompt.attempt}, tokens=1))
        secrets += [claim.prompt.id] * secret

    for prompt_id in secrets:
        queue.delete(prompt_id)

    assert len(secrets) == 10
    assert b"SECRET" not in stored_bytes()
    assert stored_bytes().count(b"kept text") == 30


@pytest.mark.parametrize("verb", ["prune", "erase_unrun"])
def test_what_goes_with_time_goes_from_the_disk_too(queue, ask, clock, stored_bytes, verb):
    for _ in range(3):
        queue.cancel(ask("SECRET text " * 500))
    clock.advance(HOUR + 1)

    erased = getattr(queue, verb)(older_than=HOUR)
    queue._database.journal.empty()

    assert erased == 3
    assert b"SECRET" not in stored_bytes()


def test_only_the_key_stays_known_of_a_deleted_prompt(queue, ask):
    prompt_id = ask(idempotency=Idempotency(key="k", fingerprint="f"))

    queue.delete(prompt_id)

    left = {
        table: queue._database.run(f"SELECT count(*) FROM {table}")[0][0]
        for table in ("prompts", "requests", "answers", "partials", "idempotency_keys")
    }
    assert left == {"prompts": 0, "requests": 0, "answers": 0, "partials": 0, "idempotency_keys": 1}


def test_the_number_of_a_deleted_prompt_is_not_given_again(queue, ask):
    ask()
    queue.delete(ask())
    ask()

    assert [row["seq"] for row in queue._database.run("SELECT seq FROM prompts ORDER BY seq")] == [1, 3]
