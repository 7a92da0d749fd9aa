"""model and describe_model: what the worker says of the model, and who hears it."""

import pytest
from promptqueue.condition import Model, ModelState


def test_before_any_worker_spoke_nothing_is_known(queue):
    assert queue.model() is None


@pytest.mark.parametrize(
    "model",
    [
        Model(name="llama3.2", state=ModelState.READY, processor="cpu"),
        Model(name="llama3.2", state=ModelState.DOWNLOADING, percent=0, detail="pulling"),
        Model(name="llama3.2", state=ModelState.MISSING, detail="no \0 such model 🌍"),
        Model(name="llama3.2", state=ModelState.UNREACHABLE),
    ],
    ids=lambda model: model.state,
)
def test_what_the_worker_said_is_told_as_it_was_said(queue, another, model):
    queue.describe_model(model)

    assert another.model() == model


def test_the_last_word_counts_alone(queue):
    queue.describe_model(Model(name="llama3.2", state=ModelState.DOWNLOADING, percent=40, detail="pulling"))
    ready = Model(name="llama3.2", state=ModelState.READY)

    queue.describe_model(ready)

    assert queue.model() == ready


def test_saying_the_same_again_writes_nothing(queue, another):
    model = Model(name="llama3.2", state=ModelState.READY)
    queue.describe_model(model)

    with queue.transaction():
        another.describe_model(model)


def test_a_detail_may_hold_any_character(queue):
    queue.describe_model(Model(name="llama3.2", state=ModelState.MISSING, detail="a\ud800"))

    assert queue.model().detail == "a\ufffd"


def test_a_description_leaves_the_next_commit_waiting_for_the_disk(queue, synchronous):
    queue.describe_model(Model(name="llama3.2", state=ModelState.READY))

    assert synchronous() == 2
