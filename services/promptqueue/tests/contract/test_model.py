"""model, servers, facts and describe_model: what the workers say of the model and its servers, and who hears it."""

from dataclasses import replace

import pytest
from promptqueue.condition import Facts, Model, ModelState

READY = Model(name="llama3.2", state=ModelState.READY, processor="gpu")
FACTS = Facts(version="0.33.0", tag={"name": "llama3.2:latest"}, show={"template": "ü \0 🌍"}, context_length=4096)
NEWER: Facts = {**FACTS, "version": "0.34.3", "context_length": None}
AWAY = Model(name="llama3.2", state=ModelState.UNREACHABLE, detail="refused")


def test_before_any_worker_spoke_nothing_is_known(queue, worker):
    assert queue.model() is None


@pytest.mark.parametrize(
    "model",
    [
        Model(name="llama3.2", state=ModelState.READY, processor="cpu"),
        Model(name="llama3.2", state=ModelState.DOWNLOADING, percent=0, detail="pulling"),
        Model(name="llama3.2", state=ModelState.MISSING, detail="no \0 such model 🌍"),
        Model(name="llama3.2", state=ModelState.UNREACHABLE),
        Model(name="llama3.2", state=ModelState.TROUBLED, detail="out of memory", retry_at=1e9),
    ],
    ids=lambda model: model.state,
)
def test_what_a_worker_said_comes_back_as_it_was_said(worker, another, model):
    worker.describe(model)

    assert another.model() == model


def test_a_workers_last_word_on_a_server_replaces_the_one_before(queue, worker):
    worker.describe(READY)

    worker.describe(AWAY)

    assert queue.model() == AWAY


@pytest.mark.parametrize("others", ["worker", "server"])
def test_a_word_does_not_replace_that_of_another_worker_or_of_another_server(queue, hire, others):
    first = hire()
    second, server = (hire(), "http://ollama:11434") if others == "worker" else (first, "http://another:11434")
    first.describe(READY)

    second.describe(AWAY, server=server)
    both = queue.model()
    first.describe(Model(name="llama3.2", state=ModelState.TROUBLED))

    assert (both, queue.model()) == (READY, AWAY)


def test_the_word_of_a_worker_that_is_gone_does_not_count(queue, hire):
    gone, living = hire(), hire()
    gone.describe(READY)
    living.describe(AWAY)

    gone.die()

    assert queue.model() == AWAY


def test_of_workers_that_are_all_gone_the_name_alone_is_known(queue, hire):
    gone = hire()
    gone.describe(Model(name="mistral", state=ModelState.READY, processor="gpu"))
    gone.die()
    hire()

    assert queue.model() == Model(
        name="mistral", state=ModelState.UNREACHABLE, detail="no worker has said yet how it is"
    )


@pytest.mark.parametrize("detail", [None, "a\ud800"])
def test_saying_the_same_again_writes_nothing(queue, another, worker, detail):
    model = Model(name="llama3.2", state=ModelState.READY, detail=detail)
    worker.describe(model)

    with queue.transaction():
        another.describe_model(model, worker=worker.terms.worker, server="http://ollama:11434")


def test_a_detail_may_hold_any_character(queue, worker):
    worker.describe(Model(name="llama3.2", state=ModelState.MISSING, detail="a\ud800"))

    assert queue.model().detail == "a\ufffd"


# ---- servers ---------------------------------------------------------------------------------------------------------


def test_each_server_of_the_living_is_told_in_order_with_its_slots(queue, hire):
    gone, first, second = hire(), hire(), hire()
    gone.describe(READY, server="http://c:1")
    first.describe(AWAY, server="http://b:1", slots=2)
    first.describe(READY, server="http://a:1")
    second.describe(READY, server="http://b:1", slots=3)
    gone.die()

    told = queue.servers()

    assert [(each.address, each.model, each.slots) for each in told] == [
        ("http://a:1", READY, 1),
        ("http://b:1", READY, 2 + 3),
    ]


def test_where_no_worker_lives_there_are_no_servers(queue, hire):
    before = queue.servers()
    gone = hire()
    gone.describe(READY)
    gone.die()

    assert (before, queue.servers()) == ([], [])


def test_a_worker_may_hold_more_slots_later_or_none(queue, worker):
    told = []
    for slots in (0, 2, 1):
        worker.describe(READY, slots=slots)
        told += [server.slots for server in queue.servers()]

    assert told == [0, 2, 1]


def test_saying_the_same_number_of_slots_again_writes_nothing(queue, another, worker):
    worker.describe(READY, slots=2)

    with queue.transaction():
        another.describe_model(READY, worker=worker.terms.worker, server="http://ollama:11434", slots=2)


def test_a_server_is_busy_with_the_prompts_that_were_claimed_for_it(queue, hire, ask, answered):
    worker = hire()
    for server in ("http://a:1", "http://b:1"):
        worker.describe(READY, server=server)
    claims = [
        ask() and queue.claim(replace(worker.terms, server=server)) for server in ("http://a:1", "http://a:1", "")
    ]
    before = queue.servers()

    queue.finish(claims[0], answered)

    assert [[(each.address, each.busy) for each in told] for told in (before, queue.servers())] == [
        [("http://a:1", 2), ("http://b:1", 0)],
        [("http://a:1", 1), ("http://b:1", 0)],
    ]


@pytest.fixture
def let_answer(queue, ask, worker, answered, clock):
    """Have a server answer prompts, each in so many seconds."""

    def answer(server, *seconds):
        for each in seconds:
            ask()
            claim = queue.claim(replace(worker.terms, server=server))
            clock.advance(each)
            queue.finish(claim, answered)

    return answer


def test_a_server_takes_for_a_prompt_what_its_last_twenty_answers_took_in_the_mean(queue, worker, let_answer):
    for server in ("http://a:1", "http://b:1", "http://c:1"):
        worker.describe(READY, server=server)

    let_answer("http://a:1", 14, *[2] * 10)
    let_answer("http://b:1", 7)
    let_answer("http://a:1", *[4] * 10)
    let_answer("", 100)

    assert [each.seconds_per_prompt for each in queue.servers()] == [3, 7, None]


def test_how_long_a_server_takes_is_forgotten_once_others_have_given_hundreds_of_answers(queue, worker, let_answer):
    for server in ("http://a:1", "http://b:1"):
        worker.describe(READY, server=server)
    let_answer("http://a:1", 5)

    let_answer("http://b:1", *[1] * 1_000)

    assert [each.seconds_per_prompt for each in queue.servers()] == [None, 1]


# ---- facts -----------------------------------------------------------------------------------------------------------


def test_before_any_worker_spoke_of_facts_there_are_none(queue, worker):
    before = queue.facts()
    worker.describe(READY)

    assert (before, queue.facts()) == (None, None)


def test_facts_come_back_as_they_were_told(worker, another):
    worker.describe(READY, facts=FACTS)

    assert another.facts() == FACTS


def test_a_workers_last_facts_replace_those_before_and_stay_where_it_tells_none(queue, worker):
    worker.describe(READY, facts=FACTS)
    worker.describe(READY, facts=NEWER)

    worker.describe(AWAY)

    assert queue.facts() == NEWER


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_what_a_ready_server_says_of_itself_counts_first(queue, hire, order):
    told = [(READY, FACTS), (AWAY, NEWER)]
    for each in order:
        hire().describe(told[each][0], facts=told[each][1])

    assert queue.facts() == FACTS


def test_what_a_living_worker_says_counts_before_what_one_said_that_is_gone(queue, hire):
    gone, living = hire(), hire()
    gone.describe(READY, facts=FACTS)
    living.describe(AWAY, facts=NEWER)

    gone.die()

    assert queue.facts() == NEWER


def test_facts_outlive_the_worker_that_told_them(queue, hire):
    gone = hire()
    gone.describe(READY, facts=FACTS)
    gone.die()
    before = queue.facts()

    hire().describe(AWAY)

    assert (before, queue.facts()) == (FACTS, FACTS)


def test_facts_of_another_model_are_not_told_of_this_one(queue, hire):
    gone = hire()
    gone.describe(READY, facts=FACTS)
    gone.die()

    hire().describe(Model(name="mistral", state=ModelState.READY))

    assert queue.facts() is None


def test_facts_of_another_model_are_not_told_while_both_live(queue, hire):
    hire().describe(AWAY, facts=FACTS)

    hire().describe(Model(name="mistral", state=ModelState.READY))

    assert (queue.model().name, queue.facts()) == ("mistral", None)


@pytest.mark.parametrize("which", [0, 1])
def test_a_worker_that_tells_no_facts_keeps_its_own_and_not_anothers(queue, hire, which):
    workers = [hire(), hire()]
    for worker, facts in zip(workers, (FACTS, NEWER), strict=True):
        worker.describe(READY, facts=facts)

    workers[which].describe(AWAY)
    workers[1 - which].die()

    assert queue.facts() == (FACTS, NEWER)[which]


def test_telling_the_same_facts_again_writes_nothing(queue, another, worker):
    worker.describe(READY, facts=FACTS)

    with queue.transaction():
        for facts in (FACTS, None):
            another.describe_model(READY, worker=worker.terms.worker, server="http://ollama:11434", facts=facts)
