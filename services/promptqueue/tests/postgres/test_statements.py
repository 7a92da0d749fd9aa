"""What statements read and write: as much as they need, however much is stored, and planned while nothing was."""

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Answered, Failed, Idempotency, NewPrompt, Origin
from psycopg import DataError

STORED = 20_000  # that wait, and as many that have ended
LARGE = ("prompts", "line", "ended", "partials", "holds", "idempotency_keys")

FILL = """
    WITH asked AS (
        INSERT INTO prompts (id, owner, lane, bytes, created_at, metadata, request)
        SELECT gen_random_uuid(), 0, 0, 10, 0, NULL, '{}' FROM generate_series(1, 2 * %s) RETURNING seq
    ),
    waiting AS (
        INSERT INTO line (seq, owner, lane, status, asked_at)
        SELECT seq, 0, 0, 'queued', 0 FROM asked WHERE seq %% 2 = 0 RETURNING seq
    ),
    over AS (
        INSERT INTO ended (seq, owner, outcome, attempt, failures, completed_at)
        SELECT seq, 0, 'cancelled', 0, 0, 1700000000 FROM asked WHERE seq %% 2 = 1
    )
    INSERT INTO tally (lane, owner, block, prompts) SELECT 0, 0, seq / 256, count(*) FROM waiting GROUP BY seq / 256
    RETURNING block
"""


@pytest.fixture
def live(queue, terms, clock):
    """Do everything that happens to prompts."""

    def live_once(key):
        origin = Origin(face="ollama.chat", echo={}, holder="h", fingerprint=key)
        new = NewPrompt(request={}, idempotency=Idempotency(key=key, fingerprint="f"), origin=origin, expires_in=60.0)
        queue.enqueue(new, *[NewPrompt(request={})] * 3, max_queued=10 * STORED)
        *_, accepted = queue.enqueue(new, NewPrompt(request={}), max_queued=10 * STORED)
        for ending in (Answered(record={}, tokens=1), Failed(cause="reset"), None):
            claim = queue.claim(terms)
            queue.renew(claim)
            queue.write(claim, "text", offset=0, tokens=1)
            if ending:
                queue.finish(claim, ending)
            else:
                queue.release(claim)
        with queue.transaction():
            queue.enqueue(NewPrompt(request={}), NewPrompt(request={}))
        queue.cancel(accepted.prompt.id)
        queue.retry(accepted.prompt.id)
        queue.settle(accepted.prompt.id)
        queue.progress_of([accepted.prompt.id])
        queue.delete(accepted.prompt.id)
        queue.recover()

    return live_once


@pytest.fixture
def seen(queue, ask_server):
    """What the server has counted of a table: how often it was read whole, rows read and rows changed."""

    def see(*tables):
        queue._database.run("SELECT pg_stat_force_next_flush()")
        return {
            name: dict(zip(("whole", "rows", "changed", "in_place"), counted, strict=True))
            for name, *counted in ask_server(
                """
                SELECT relname, coalesce(seq_scan, 0), coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0),
                       n_tup_upd, n_tup_hot_upd
                FROM pg_stat_user_tables WHERE relname = ANY (%s)
                """,
                list(tables),
            )
        }

    return see


def test_no_table_that_grows_is_ever_read_whole(live, seen, ask_server):
    live("while it is empty")
    ask_server(FILL, STORED)
    before = seen(*LARGE)

    live("once it is full")

    after = seen(*LARGE)
    assert {name: after[name]["whole"] - before[name]["whole"] for name in LARGE} == dict.fromkeys(LARGE, 0)


@pytest.mark.parametrize(("verb", "most"), [("claim", 20), ("enqueue", 10), ("finish", 20), ("cancel", 20)])
def test_what_a_verb_reads_of_the_line_does_not_grow_with_it(
    queue, live, seen, ask, ask_server, terms, answered, verb, most
):
    live("while it is empty")
    ask_server(FILL, STORED)
    claim, waiting = queue.claim(terms), ask()
    before = seen("line")["line"]["rows"]

    match verb:
        case "claim":
            queue.claim(terms)
        case "enqueue":
            ask()
        case "finish":
            queue.finish(claim, answered)
        case "cancel":
            queue.cancel(waiting)

    assert seen("line")["line"]["rows"] - before <= most


def test_renewals_and_pieces_of_text_stay_on_their_page(queue, begin, seen):
    claim = begin()
    before = seen("line")["line"]

    for number in range(50):
        queue.renew(claim)
        queue.write(claim, "text", offset=4 * number, tokens=number)

    after = seen("line")["line"]
    assert after["changed"] - before["changed"] == after["in_place"] - before["in_place"] == 100


def test_what_one_transaction_submits_is_stored_by_one_statement(queue, ask_server):
    asked = []
    run = queue._database._execute
    queue._database._execute = lambda session, statement, values: (
        asked.append(statement),
        run(session, statement, values),
    )[1]

    with queue.transaction():
        for _ in range(32):
            queue.enqueue(NewPrompt(request={}), max_queued=1_000)

    assert len([statement for statement in asked if "INSERT" in statement]) == 1
    assert len(asked) == 2  # and one that looks how the line stands


def test_what_was_accepted_and_cannot_be_stored_takes_its_transaction_with_it(queue, ask, another):
    def commit():
        with queue.transaction():
            queue.enqueue(NewPrompt(request={}), NewPrompt(request={}, origin=Origin(face="\0", echo={})))
            with pytest.raises(DataError):
                queue.counts()

    with pytest.raises(StorageUnavailable, match="given up"):
        commit()

    ask()
    assert another.counts().queued == 1
