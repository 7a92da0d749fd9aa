from promptqueue.prompt import Failed, NewPrompt, Priority


def positions(queue, ids):
    return [queue.position(prompt_id) for prompt_id in ids]


def test_the_next_prompt_is_first_and_the_others_count_up(queue, ask):
    ids = [ask() for _ in range(4)]

    assert positions(queue, ids) == [1, 2, 3, 4]


def test_a_claim_moves_everybody_up(queue, ask, terms):
    ids = [ask() for _ in range(3)]

    queue.claim(terms)

    assert positions(queue, ids) == [None, 1, 2]


def test_only_queued_prompts_have_a_place(queue, ask, terms, answered):
    done, cancelled, running = ask(), ask(), ask()
    queue.finish(queue.claim(terms), answered)
    queue.cancel(cancelled)
    queue.claim(terms)

    assert positions(queue, [done, cancelled, running]) == [None, None, None]
    assert queue.position("unknown") is None


def test_batch_prompts_stand_behind_every_interactive_one(queue, ask):
    batch = [ask(priority=Priority.BATCH) for _ in range(2)]
    interactive = [ask() for _ in range(2)]

    assert positions(queue, interactive + batch) == [1, 2, 3, 4]


def test_a_retry_that_must_wait_stands_in_its_old_place(queue, ask, hire):
    first, second, third = ask(), ask(), ask()
    terms = hire(max_failures=9).terms
    for _ in range(2):
        queue.finish(queue.claim(terms), Failed(cause="reset"))

    before = positions(queue, [first, second, third])
    claimed = queue.claim(terms).prompt.id

    assert before == [1, 2, 3]
    assert claimed == second
    assert positions(queue, [first, second, third]) == [1, None, 2]


def test_a_released_prompt_stands_in_its_old_place(queue, ask, terms):
    ids = [ask() for _ in range(3)]
    claim = queue.claim(terms)

    queue.release(claim)

    assert positions(queue, ids) == [1, 2, 3]


def test_places_have_no_gaps_after_prompts_left_the_line(queue, ask):
    ids = [ask(priority=lane) for lane in (Priority.BATCH, Priority.INTERACTIVE) * 4]

    queue.cancel(ids[3])
    queue.delete(ids[4])

    waiting = [place for place in positions(queue, ids) if place is not None]
    assert sorted(waiting) == [1, 2, 3, 4, 5, 6]


def test_the_place_told_is_the_order_claimed(queue, terms):
    lanes = [Priority.BATCH, Priority.INTERACTIVE, Priority.BATCH, Priority.INTERACTIVE]
    accepted = queue.enqueue(*(NewPrompt(request={}, priority=lane) for lane in lanes))
    told = sorted(accepted, key=lambda one: queue.position(one.prompt.id))

    claimed = [queue.claim(terms).prompt.id for _ in lanes]

    assert claimed == [one.prompt.id for one in told]


def test_a_place_is_right_however_long_the_line_is(queue, terms):
    lanes = [Priority.BATCH if n % 3 == 0 else Priority.INTERACTIVE for n in range(800)]
    accepted = [one.prompt.id for one in queue.enqueue(*(NewPrompt(request={}, priority=lane) for lane in lanes))]
    for prompt_id in accepted[100:700:7]:
        queue.delete(prompt_id)
    queue.claim(terms)

    standings = {one.prompt.id: one for one in queue.progress_of(accepted)}

    in_line = sorted(
        (prompt_id for prompt_id, one in standings.items() if one.prompt.status == "queued"),
        key=lambda prompt_id: (standings[prompt_id].prompt.priority == Priority.BATCH, accepted.index(prompt_id)),
    )
    assert [standings[prompt_id].position for prompt_id in in_line] == list(range(1, len(in_line) + 1))
    assert positions(queue, in_line[::50]) == [standings[prompt_id].position for prompt_id in in_line[::50]]


def test_a_place_costs_no_count_of_the_whole_line(queue, ask):
    """Blocks of 256 are added up, and one of them is counted, whatever stands before."""
    prompt_id = ask()
    seen = []
    queue._database._connection.set_trace_callback(seen.append)
    queue.position(prompt_id)
    queue._database._connection.set_trace_callback(None)

    [statement] = seen
    plan = [row["detail"] for row in queue._database.run(f"EXPLAIN QUERY PLAN {statement}")]

    assert "SEARCH line USING PRIMARY KEY (priority=? AND block<?)" in plan
    assert "SEARCH ahead USING COVERING INDEX prompts_in_line (priority=? AND seq>? AND seq<?)" in plan
    assert not [step for step in plan if step.startswith("SCAN") and "named" not in step]
