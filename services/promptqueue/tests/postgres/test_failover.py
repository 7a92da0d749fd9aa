"""Fail-over to a standby that lagged behind: a claim that it never knew of is lost, and nobody takes it for another."""

from contextlib import closing

import pytest
from promptqueue.errors import ClaimLost
from promptqueue.prompt import Answered, NewPrompt, Outcome, Terms
from promptqueue.storage import connect
from support.postgres import USER, postgres_server
from support.waiting import until


@pytest.fixture
def standby(own_server):
    with postgres_server(durable=False, primary=own_server) as running:
        yield running


@pytest.fixture
def both(own_server, standby):
    """The queue, wherever its primary is."""
    url = f"postgresql://{USER}@127.0.0.1:{own_server.port},127.0.0.1:{standby.port}/own"
    with closing(connect(url)) as storage:
        yield storage


def test_of_two_claims_with_one_attempt_number_that_of_the_new_primary_holds(own_server, standby, both):
    queue = both.open()
    [added] = queue.enqueue(NewPrompt(request={"prompt": "Why?"}))
    until(lambda: standby.has_all_of(own_server), "the standby has the prompt")
    standby.kill()
    lost = queue.claim(Terms(worker="first"))

    own_server.kill()
    standby.start()
    standby.promote()
    made_anew = queue.claim(Terms(worker="second"))

    assert (lost.prompt.id, lost.attempt) == (made_anew.prompt.id, made_anew.attempt)
    for verb in (
        queue.renew,
        queue.release,
        lambda claim: queue.write(claim, "late", offset=0, tokens=1),
        lambda claim: queue.finish(claim, Answered(record={"response": "late"}, tokens=1)),
    ):
        with pytest.raises(ClaimLost):
            verb(lost)
    ended = queue.finish(made_anew, Answered(record={"response": "right"}, tokens=1))
    assert (ended.id, ended.outcome) == (added.prompt.id, Outcome.SUCCEEDED)
