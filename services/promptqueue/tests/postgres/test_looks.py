"""What looks read: as much as they tell, however much is stored, and planned while nothing was."""

import pytest
from promptqueue.prompt import Outcome, Status

from services.promptqueue.tests.postgres.test_statements import FILL, STORED

LARGE = ["prompts", "line", "ended", "partials", "holds", "idempotency_keys"]
FEW = 400  # entries of indexes; of one block of the line at most 256 are counted

NEWEST = [
    {},
    {"owner": 0},
    *({"status": status, **of} for status in Status for of in ({}, {"owner": 0})),
    *({"outcome": outcome, **of} for outcome in Outcome for of in ({}, {"owner": 0})),
]
LOOKS = {
    "get": lambda queue, prompt_id: queue.get(prompt_id),
    "position": lambda queue, prompt_id: queue.position(prompt_id),
    "texts": lambda queue, prompt_id: [
        verb(prompt_id) for verb in (queue.request, queue.answer, queue.text, queue.origin)
    ],
    "belongs": lambda queue, prompt_id: queue.belongs(prompt_id, 1),
    "counts": lambda queue, _: queue.counts(),
    "moves": lambda queue, _: queue.moves(),
    "turns": lambda queue, _: queue.turns(),
    "holdings": lambda queue, _: queue.holdings(0),
    "history": lambda queue, _: queue.history(60),
    "measures": lambda queue, _: (queue.measures(), queue.usage(), queue.room()),
    "servers": lambda queue, _: (queue.servers(), queue.model(), queue.facts()),
    "newest since": lambda queue, _: queue._database.run("SELECT number_at(1.0)"),
    "is_behind": lambda queue, _: queue.is_behind(),
    "prune": lambda queue, _: queue.prune(older_than=-10, limit=10),
    "erase_unrun": lambda queue, _: queue.erase_unrun(older_than=-10, limit=10),
    **{f"newest {wanted or ''}": lambda queue, _, wanted=wanted: queue.newest(limit=20, **wanted) for wanted in NEWEST},
}


@pytest.fixture
def read(queue, ask_server):
    """Count what was read of the large tables: entries of indexes, and how often one was read whole."""

    def read():
        queue._database.run("SELECT pg_stat_force_next_flush()")
        [counted] = ask_server(
            """
            SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = ANY (%s))::bigint,
                   (SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname = ANY (%s))::bigint
            """,
            LARGE,
            LARGE,
        )
        return counted

    return read


def test_a_look_reads_no_more_than_it_tells(queue, ask, ask_server, read):
    prompt_id = ask()
    for look in 3 * [*LOOKS.values()]:
        look(queue, prompt_id)
    ask_server(FILL, STORED)

    entries, whole = {}, {}
    for name, look in LOOKS.items():
        look(queue, prompt_id)
        before = read()
        look(queue, prompt_id)
        entries[name], whole[name] = (after - of_before for after, of_before in zip(read(), before, strict=True))

    assert {name: number for name, number in entries.items() if number >= FEW} == {}
    assert {name: number for name, number in whole.items() if number} == {}


def test_the_places_of_a_whole_page_are_told_from_the_blocks_of_the_line(queue, ask, ask_server, read):
    prompts = [ask() for _ in range(50)]
    ask_server(FILL, STORED)
    queue.progress_of(prompts)
    entries, whole = read()

    told = queue.progress_of(prompts)

    read_entries, read_whole = read()
    assert sorted(each.position for each in told) == [*range(1, 51)]
    assert read_whole == whole
    assert read_entries - entries < 50 * 100
