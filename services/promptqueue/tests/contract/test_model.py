"""model and describe_model: what the workers say of the model, and who hears it."""

import pytest
from promptqueue.condition import Model, ModelState

READY = Model(name="llama3.2", state=ModelState.READY, processor="gpu")
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
