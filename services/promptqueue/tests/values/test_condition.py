"""One word about the model out of what several workers say of several servers."""

import itertools

import pytest
from promptqueue.condition import Model, ModelState, summary

READY = Model(name="m", state=ModelState.READY)
ON_GPU = Model(name="m", state=ModelState.READY, processor="gpu")
HALF = Model(name="m", state=ModelState.DOWNLOADING, percent=50)
BEGUN = Model(name="m", state=ModelState.DOWNLOADING, percent=1, detail="it broke off")
AWAY = Model(name="m", state=ModelState.UNREACHABLE, detail="refused")
SICK = Model(name="m", state=ModelState.TROUBLED, detail="out of memory", retry_at=1e9)
GONE = Model(name="m", state=ModelState.MISSING, detail="it is not installed")
AWAY_FOR_NO_REASON = Model(name="m", state=ModelState.UNREACHABLE)
SICK_FOR_NO_REASON = Model(name="m", state=ModelState.TROUBLED)

FROM_FIRST_TO_LAST = [ON_GPU, READY, HALF, BEGUN, AWAY, SICK, GONE, AWAY_FOR_NO_REASON, SICK_FOR_NO_REASON]


def test_where_nothing_is_said_nothing_is_known():
    assert summary([]) is None


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.combinations(FROM_FIRST_TO_LAST, 2)),
    ids=lambda model: f"{model.state} {model.processor or model.percent or model.detail}",
)
def test_ready_speaks_for_all_then_a_download_else_the_worst_that_says_why(first, second):
    assert summary([first, second]) is summary([second, first]) is first


def test_every_state_has_a_rank():
    for state in ModelState:
        model = Model(name="m", state=state)
        assert summary([model]) is model
