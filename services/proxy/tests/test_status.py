"""GET …/status, …/result, POST …/cancel and DELETE: what they say of a prompt at each moment of its life."""

import re
from dataclasses import replace

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.prompt import ErrorCode

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KEYS = [
    "id", "status", "outcome", "position", "eta_seconds", "attempt", "tokens", "created_at", "started_at",
    "completed_at", "error", "last_error", "metadata",
]  # fmt: skip


@pytest.fixture
def status(client):
    return lambda prompt_id: client.get(f"/api/v1/prompt/{prompt_id}/status").json


@pytest.fixture
def passed(queue):
    """Let seconds pass for all who may wait so long and no longer."""
    return lambda seconds: queue._database.run("UPDATE prompts SET expires_at = expires_at - :by", by=seconds)


def test_a_queued_prompt_has_a_place_in_line(submit, status):
    submit()

    found = status(submit())

    assert list(found) == KEYS
    assert (found["status"], found["outcome"], found["position"], found["attempt"]) == ("queued", None, 2, 0)
    assert MOMENT.fullmatch(found["created_at"])
    assert (
        found["started_at"] is found["completed_at"] is found["error"] is found["tokens"] is found["metadata"] is None
    )


def test_a_processing_prompt_has_a_start_and_no_place(submit, status, worker):
    prompt_id = submit()

    worker.claim()
    found = status(prompt_id)

    assert list(found) == KEYS
    assert (found["status"], found["position"], found["attempt"], found["tokens"]) == ("processing", None, 1, 0)
    assert MOMENT.fullmatch(found["started_at"])


def test_a_completed_prompt_says_how_it_ended(submit, status, worker):
    prompt_id = submit()

    worker.answer()
    found = status(prompt_id)

    assert list(found) == KEYS
    assert (found["status"], found["outcome"], found["tokens"]) == ("completed", "succeeded", 3)
    assert MOMENT.fullmatch(found["completed_at"])
    assert found["eta_seconds"] is None


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_failed_prompt_says_why_and_whether_it_is_worth_another_try(submit, status, worker, code):
    prompt_id = submit()

    worker.fail(code, "Because.")
    found = status(prompt_id)

    assert found["error"] == {
        "code": code,
        "message": "Because.",
        "retryable": code not in ("model_refused", "prompt_too_long"),
    }


def test_no_wait_is_estimated_while_nothing_was_ever_answered(submit, status):
    assert status(submit())["eta_seconds"] is None


def test_the_wait_is_estimated_from_place_pace_and_slots(make_app, submit, queue, hire_at, url):
    hire_at(url)
    pace = 4.0
    first, second, third = submit(), submit(), submit()
    worker = hire_at(url)
    worker.answer()
    queue._database.run("UPDATE prompts SET ran_seconds = :pace WHERE status = 'completed'", pace=pace)
    client = make_app().test_client()  # which has measured nothing yet

    waits = [
        client.get(f"/api/v1/prompt/{prompt_id}/status").json["eta_seconds"] for prompt_id in (first, second, third)
    ]

    assert waits == [None, 4.0, 4.0]  # two workers of one slot each: both are answered next
    worker.claim()
    assert 3.0 < client.get(f"/api/v1/prompt/{second}/status").json["eta_seconds"] <= 4.0


def test_whoever_waits_for_busy_slots_waits_for_those_who_are_answered_too(make_app, submit, queue, worker):
    ids = [submit() for _ in range(4)]
    worker.answer()
    queue._database.run("UPDATE prompts SET ran_seconds = 4.0 WHERE status = 'completed'")
    worker.claim()
    client = make_app().test_client()

    waits = [client.get(f"/api/v1/prompt/{prompt_id}/status").json["eta_seconds"] for prompt_id in ids]

    assert waits[0] is None
    assert 3.0 < waits[1] <= 4.0
    assert waits[2:] == [6.0, 10.0]  # the one before is half done, on average


@pytest.mark.parametrize(
    "why", ["no worker lives", "the model is away", "the queue is paused", "it takes longer than the last ones"]
)
def test_no_wait_is_estimated_when_nobody_can_know(make_app, submit, queue, worker, why):
    submit()
    prompt_id = submit()
    worker.answer()
    match why:
        case "no worker lives":
            worker.leave()
        case "the model is away":
            worker.describe(Model(name="llama3.2", state=ModelState.DOWNLOADING, percent=5))
        case "the queue is paused":
            queue.pause(True)
        case _:
            worker.claim()
            queue._database.run("UPDATE prompts SET started_at = started_at - 60 WHERE status = 'processing'")

    found = make_app().test_client().get(f"/api/v1/prompt/{prompt_id}/status").json

    assert found["eta_seconds"] is None


def test_the_wait_is_that_of_its_own_server_once_one_has_begun_and_not_known_while_that_is_away(
    make_app, submit, queue, worker
):
    quick, slow = (replace(worker.terms, server=f"http://{name}:11434") for name in ("quick", "slow"))
    ready = Model(name="llama3.2", state=ModelState.READY)
    for terms, seconds in ((quick, 10.0), (slow, 90.0)):
        queue.describe_model(ready, worker=terms.worker, server=terms.server)
        submit()
        worker.finish(queue.claim(terms))
        queue._database.run(
            "UPDATE prompts SET ran_seconds = :seconds WHERE server = :server", seconds=seconds, server=terms.server
        )
    ids = [submit() for _ in range(3)]
    queue.claim(quick)
    queue.claim(slow)

    def waits():
        client = make_app().test_client()
        return [client.get(f"/api/v1/prompt/{prompt_id}/status").json["eta_seconds"] for prompt_id in ids]

    on_quick, on_slow, waiting = waits()
    queue.describe_model(replace(ready, state=ModelState.TROUBLED), worker=slow.worker, server=slow.server)

    assert 5 < on_quick <= 10
    assert 85 < on_slow <= 90
    assert waiting == 54.5  # 50 on average, and half of 9: in 90 seconds the two answer ten
    assert waits()[1:] == [None, 55.0]  # 50 on average, and half of 10


def test_an_id_is_found_in_any_case(client, submit):
    prompt_id = submit()

    answer = client.get(f"/api/v1/prompt/{prompt_id.upper()}/status")

    assert answer.json["id"] == answer.headers["X-Prompt-Id"] == prompt_id


def test_an_expired_prompt_is_settled_by_whoever_reads_it(submit, client, until):
    prompt_id = submit(expires_in=0.01)

    found = until(
        lambda: (found := client.get(f"/api/v1/prompt/{prompt_id}/status").json)["position"] is None and found
    )

    assert (found["status"], found["outcome"], found["error"]["code"]) == ("completed", "expired", "expired")
    result = client.get(f"/api/v1/prompt/{prompt_id}/result")
    assert (result.status_code, result.json["partial"]) == (410, "")


def test_a_prompt_whose_lease_is_over_goes_back_to_its_place_when_it_is_read(submit, status, worker, queue, until):
    prompt_id = submit()
    worker.claim()
    queue._database.run("UPDATE prompts SET leased_until = 0")

    found = status(prompt_id)

    assert (found["status"], found["position"], found["attempt"]) == ("queued", 1, 1)


def test_a_prompt_ahead_that_waited_too_long_is_settled_before_a_place_is_given(submit, status, client, passed):
    for _ in range(2):
        submit(expires_in=60)
    prompt_id = submit()

    passed(60)

    assert status(prompt_id)["position"] == 1
    assert client.get("/api/v1/queue").json["queued"] == 1


def test_the_queue_counts_nobody_whose_time_is_over(submit, client, worker, queue, passed):
    submit()
    worker.claim()
    submit(expires_in=60)
    worker.leave()

    passed(60)

    found = client.get("/api/v1/queue").json
    assert (found["queued"], found["processing"]) == (1, 0)


def test_a_line_of_prompts_that_waited_too_long_is_not_full(make_app, passed):
    client = make_app(max_queue_depth=2).test_client()
    for _ in range(2):
        assert client.post("/api/v1/prompt", json={"prompt": "Why?", "expires_in": 60}).status_code == 202
    assert client.post("/api/v1/prompt", json={"prompt": "Why?"}).status_code == 429

    passed(60)

    accepted = client.post("/api/v1/prompt", json={"prompt": "Why?"})
    assert (accepted.status_code, accepted.json["position"]) == (202, 1)


def test_what_a_lost_worker_held_is_back_in_line_when_it_is_read(submit, status, worker):
    prompt_id = submit()
    worker.claim()
    worker.leave()

    found = status(prompt_id)

    assert (found["status"], found["position"], found["attempt"]) == ("queued", 1, 1)


# ---- result ---------------------------------------------------------------------------------------------------------


def test_a_result_that_is_not_there_yet_is_202_with_the_status(client, submit):
    prompt_id = submit()

    answer = client.get(f"/api/v1/prompt/{prompt_id}/result")

    assert answer.status_code == 202
    assert list(answer.json) == KEYS
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["X-Prompt-Id"] == prompt_id


def test_a_result_is_ollamas_record_and_three_words_of_ours(client, submit, worker):
    prompt_id = submit()
    record = {"response": 'a\u2028\U0001f30d"</script>', "id": "theirs", "status": "theirs", "outcome": 5, "n": 10**30}

    worker.answer(record)
    answer = client.get(f"/api/v1/prompt/{prompt_id}/result")

    assert answer.status_code == 200
    assert answer.json == {**record, "id": prompt_id, "status": "completed", "outcome": "succeeded"}


def test_a_result_names_the_model_server_that_wrote_it_and_nothing_else_does(client, submit, worker):
    answered, failed, waiting = submit(), submit(), submit()
    worker.answer()
    worker.fail()

    named = {
        prompt_id: client.get(f"/api/v1/prompt/{prompt_id}/result").headers.get("X-Served-By")
        for prompt_id in (answered, failed, waiting)
    }

    assert named == {answered: "http://ollama:11434", failed: None, waiting: None}


def test_a_prompt_that_failed_has_no_result_but_the_text_that_had_come(client, submit, worker):
    prompt_id = submit()

    worker.fail(partial="It is bec")
    answer = client.get(f"/api/v1/prompt/{prompt_id}/result")

    assert answer.status_code == 410
    assert list(answer.json) == [*KEYS, "partial"]
    assert (answer.json["outcome"], answer.json["partial"]) == ("failed", "It is bec")


# ---- cancel and delete ----------------------------------------------------------------------------------------------


def test_cancel_ends_a_queued_prompt_for_good(client, submit, queue):
    prompt_id = submit()

    first = client.post(f"/api/v1/prompt/{prompt_id}/cancel")
    again = client.post(f"/api/v1/prompt/{prompt_id}/cancel")

    assert first.status_code == again.status_code == 200
    assert first.json == again.json
    assert list(first.json) == KEYS
    assert (first.json["status"], first.json["outcome"]) == ("completed", "cancelled")
    assert first.json["error"]["code"] == "cancelled"
    assert queue.counts().queued == 0


def test_cancel_ends_a_processing_prompt_and_keeps_its_text(client, submit, worker, queue):
    prompt_id = submit()
    claim = worker.claim()
    queue.write(claim, "It is", offset=0, tokens=2)

    client.post(f"/api/v1/prompt/{prompt_id}/cancel")

    assert client.get(f"/api/v1/prompt/{prompt_id}/result").json["partial"] == "It is"


def test_cancel_comes_too_late_for_a_prompt_that_waited_too_long(submit, client, passed):
    prompt_id = submit(expires_in=60)

    passed(60)

    assert client.post(f"/api/v1/prompt/{prompt_id}/cancel").json["outcome"] == "expired"


def test_the_log_calls_nothing_cancelled_that_had_ended_before(submit, client, worker, caplog):
    caplog.set_level("INFO")
    ended, waiting = submit(), submit()
    worker.answer()

    for prompt_id in (ended, waiting):
        client.post(f"/api/v1/prompt/{prompt_id}/cancel")

    assert f"prompt not cancelled id={ended} reason=ended outcome=succeeded" in caplog.text
    assert [line for line in caplog.text.splitlines() if f"prompt cancelled id={ended}" in line] == []
    assert f"prompt cancelled id={waiting}" in caplog.text


def test_cancel_leaves_a_finished_prompt_as_it_is(client, submit, worker):
    prompt_id = submit()
    worker.answer()

    answer = client.post(f"/api/v1/prompt/{prompt_id}/cancel")

    assert (answer.status_code, answer.json["outcome"]) == (200, "succeeded")


@pytest.mark.parametrize("moment", ["queued", "processing", "completed"])
def test_a_deleted_prompt_is_gone_everywhere(client, submit, worker, queue, moment):
    prompt_id = submit()
    if moment != "queued":
        claim = worker.claim()
    if moment == "completed":
        worker.finish(claim)

    answer = client.delete(f"/api/v1/prompt/{prompt_id}")

    here = f"/api/v1/prompt/{prompt_id}"
    assert (answer.status_code, answer.data, answer.headers["X-Prompt-Id"]) == (204, b"", prompt_id)
    after = [
        client.get(f"{here}/status"),
        client.get(f"{here}/result"),
        client.post(f"{here}/cancel"),
        client.delete(here),
    ]
    assert [each.status_code for each in after] == [404] * 4
    assert (queue.counts().queued, queue.counts().processing, queue.counts().completed) == (0, 0, 0)
