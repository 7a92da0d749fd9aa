import pytest
from promptqueue.errors import ClaimLost, PromptNotFound
from promptqueue.prompt import Answered, ErrorCode, Failed, Idempotency


@pytest.mark.parametrize("when", ["queued", "processing", "completed"])
def test_a_deleted_prompt_is_found_nowhere(queue, ask, terms, answered, when):
    prompt_id = ask()
    claim = queue.claim(terms) if when != "queued" else None
    if when == "completed":
        queue.finish(claim, answered)

    queue.delete(prompt_id)

    for verb in (queue.get, queue.request, queue.answer, queue.cancel, queue.settle, queue.delete):
        with pytest.raises(PromptNotFound):
            verb(prompt_id)
    assert queue.position(prompt_id) is None
    assert queue.partial(prompt_id) == ""


def test_an_unknown_prompt_cannot_be_deleted(queue):
    with pytest.raises(PromptNotFound):
        queue.delete("7d444840-9dc0-11d1-b245-5ffdce74fad2")


@pytest.mark.parametrize("verb", ["renew", "write", "answered", "failed", "release"])
def test_whoever_holds_the_claim_finds_it_lost(queue, another, ask, terms, answered, verb):
    claim = queue.claim(terms) if ask() else None
    another.delete(claim.prompt.id)
    verbs = {
        "renew": lambda: queue.renew(claim),
        "write": lambda: queue.write(claim, "late", offset=0, tokens=1),
        "answered": lambda: queue.finish(claim, answered),
        "failed": lambda: queue.finish(claim, Failed(cause="late")),
        "release": lambda: queue.release(claim),
    }

    with pytest.raises(ClaimLost):
        verbs[verb]()

    assert [row[0] for row in queue._database.run("SELECT count(*) FROM answers")] == [0]
    assert [row[0] for row in queue._database.run("SELECT count(*) FROM partials")] == [0]


def test_the_others_keep_their_order(queue, ask, terms):
    first, gone, last = ask(), ask(), ask()

    queue.delete(gone)

    assert [queue.position(first), queue.position(last)] == [1, 2]
    assert [queue.claim(terms).prompt.id, queue.claim(terms).prompt.id] == [first, last]


def test_a_deleted_prompt_is_no_longer_counted(queue, ask, real_counts, terms, answered):
    for prompt_id in [ask(), ask(), ask()]:
        if queue.get(prompt_id).status == "queued" and queue.counts().completed == 0:
            queue.finish(queue.claim(terms), answered)
        queue.delete(prompt_id)

    assert real_counts() == {}
    assert (queue.counts().queued, queue.counts().completed) == (0, 0)


def fill_with_secret(queue, ask, terms, *, ending):
    prompt_id = ask("SECRET request", metadata={"SECRET": "metadata"})
    claim = queue.claim(terms)
    for n in range(50):
        queue.write(claim, f"SECRET partial text {n:03} ", offset=24 * n, tokens=n)
    queue.finish(claim, ending)
    return prompt_id


@pytest.mark.parametrize(
    "ending",
    [
        Answered(record={"response": "SECRET answer"}, tokens=1),
        Failed(cause="SECRET cause", code=ErrorCode.MODEL_REFUSED),
        Failed(cause="SECRET cause"),
    ],
    ids=["answered", "failed", "to be tried again"],
)
def test_no_byte_of_a_deleted_prompts_texts_stays_on_the_disk(queue, ask, hire, stored_bytes, ending):
    terms = hire(max_failures=9).terms
    prompt_id = fill_with_secret(queue, ask, terms, ending=ending)
    before = stored_bytes().count(b"SECRET")

    queue.delete(prompt_id)

    assert before > 0
    assert b"SECRET" not in stored_bytes()


def test_no_byte_of_a_long_text_stays_on_the_disk(queue, ask, terms, stored_bytes):
    prompt_id = ask("SECRET " * 20_000)
    claim = queue.claim(terms)
    queue.write(claim, "SECRET " * 20_000, offset=0, tokens=1)
    queue.finish(claim, Answered(record={"response": "SECRET " * 20_000}, tokens=1))

    queue.delete(prompt_id)

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


def test_only_the_key_stays_known_of_a_deleted_prompt(queue, ask):
    prompt_id = ask(idempotency=Idempotency(key="k", fingerprint="f"))

    queue.delete(prompt_id)

    left = {
        table: queue._database.run(f"SELECT count(*) FROM {table}")[0][0]
        for table in ("prompts", "requests", "answers", "partials", "idempotency_keys")
    }
    assert left == {"prompts": 0, "requests": 0, "answers": 0, "partials": 0, "idempotency_keys": 1}
