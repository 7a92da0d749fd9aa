def test_a_paused_queue_accepts_all_the_same(queue, ask):
    queue.pause(True)

    prompt_id = ask()

    assert queue.position(prompt_id) == 1


def test_a_pause_holds_for_every_process_until_it_is_over(queue, another, ask, terms):
    prompt_id = ask()

    another.pause(True)
    paused = queue.claim(terms)
    another.pause(False)

    assert paused is None
    assert queue.claim(terms).prompt.id == prompt_id


def test_a_pause_outlives_whoever_asked_for_it(queue, open_queue):
    brief = open_queue()
    brief.pause(True)
    brief.close()

    assert queue.counts().paused
    assert open_queue().counts().paused


def test_what_runs_already_may_finish(queue, ask, terms, answered):
    ask()
    claim = queue.claim(terms)

    queue.pause(True)

    assert queue.finish(claim, answered).outcome == "succeeded"


def test_pausing_twice_is_pausing_once(queue, ask, terms):
    ask()

    queue.pause(True)
    queue.pause(True)
    queue.pause(False)

    assert queue.claim(terms) is not None


def test_the_paused_are_still_cared_for(queue, ask, worker, clock):
    lost, expired = ask(), ask(expires_in=5)
    queue.claim(worker.terms)
    queue.pause(True)
    worker.die()
    clock.advance(5)

    queue.recover()

    assert [queue.get(lost).status, queue.get(expired).outcome] == ["queued", "expired"]
