"""pause: nothing is started, everything else goes on."""


def test_a_pause_holds_for_everybody_until_it_is_over_however_often_it_was_said(queue, another, ask, terms):
    prompt_id = ask()

    another.pause(True)
    another.pause(True)
    paused, says_so = queue.claim(terms), queue.counts().paused
    another.pause(False)

    assert (paused, says_so) == (None, True)
    assert queue.claim(terms).prompt.id == prompt_id


def test_a_pause_outlives_whoever_asked_for_it(queue, storage):
    brief = storage.open()
    brief.pause(True)
    brief.close()

    assert queue.counts().paused
    assert storage.open().counts().paused


def test_a_paused_queue_accepts_and_what_runs_already_may_finish(queue, ask, begin, answered):
    claim = begin()

    queue.pause(True)

    assert queue.position(ask()) == 1
    assert queue.finish(claim, answered).outcome == "succeeded"


def test_the_paused_are_still_cared_for(queue, begin, ask, worker, clock):
    lost, expired = begin().prompt.id, ask(expires_in=5)
    queue.pause(True)
    worker.die()
    clock.advance(5)

    queue.recover()

    assert [queue.get(lost).status, queue.get(expired).outcome] == ["queued", "expired"]
