"""POST /api/v1/prompt/{id}/retry: the same prompt once more, at the end of the line."""

import threading

import pytest
from promptqueue.prompt import ErrorCode, Failed, PutBack

UNKNOWN = "7d444840-9dc0-41d1-b245-5ffdce74fad2"
KEY = {"Idempotency-Key": "0123456789abcdef"}


@pytest.fixture
def call(client):
    """Ask a prompt's endpoint."""

    def call(prompt_id, what, method="GET", **more):
        return client.open(f"/api/v1/prompt/{prompt_id}/{what}", method=method, **more)

    return call


@pytest.fixture
def retry(call):
    return lambda prompt_id: call(prompt_id, "retry", "POST")


@pytest.fixture
def failed(submit, worker):
    """A prompt that was given up after one attempt, of which a text is left."""
    prompt_id = submit()
    worker.fail(ErrorCode.ATTEMPTS_EXHAUSTED, "Gave up.", partial="It is")
    return prompt_id


def test_a_failed_prompt_goes_to_the_end_of_the_line_under_its_id(submit, failed, retry, call, worker):
    other = submit()

    answer = retry(failed)

    assert answer.status_code == 200
    assert answer.headers["X-Prompt-Id"] == failed
    assert answer.json == call(failed, "status").json
    found = answer.json
    assert (found["id"], found["status"], found["outcome"], found["position"]) == (failed, "queued", None, 2)
    assert (found["error"], found["last_error"], found["completed_at"], found["attempt"]) == (None, None, None, 1)
    assert call(failed, "result").status_code == 202
    assert worker.claim().prompt.id == other
    claim = worker.claim()
    assert (claim.prompt.id, claim.attempt) == (failed, 2)
    worker.finish(claim)
    assert call(failed, "result").json["response"] == "Rayleigh."


def test_a_cancelled_prompt_is_retried(submit, retry, call):
    prompt_id = submit()
    call(prompt_id, "cancel", "POST")

    assert retry(prompt_id).json["status"] == "queued"


def test_a_prompt_that_waited_too_long_is_retried_though_nobody_has_looked_since(submit, retry, queue):
    prompt_id = submit(expires_in=60)
    queue._database.run("UPDATE prompts SET created_at = created_at - 61, expires_at = expires_at - 61")
    before = queue.get(prompt_id)

    found = retry(prompt_id).json

    assert before.overdue
    assert (found["status"], found["outcome"], found["error"]) == ("queued", None, None)
    assert queue.get(prompt_id).expires_at > before.expires_at + 50


def test_one_that_waits_or_runs_is_returned_unchanged(submit, retry, call, worker):
    first, second = submit(), submit()
    claim = worker.claim()

    answers = [(retry(one), call(one, "status")) for one in (first, second)]

    assert [(answer.status_code, answer.json == status.json) for answer, status in answers] == [(200, True)] * 2
    assert worker.finish(claim).attempt == 1


@pytest.mark.parametrize("code", [ErrorCode.MODEL_REFUSED, ErrorCode.PROMPT_TOO_LONG])
def test_what_would_be_refused_again_is_not_retried(submit, retry, call, worker, code):
    prompt_id = submit()
    worker.fail(code)
    before = call(prompt_id, "status").json

    answer = retry(prompt_id)

    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["type"]) == (409, "not_retryable", "invalid_request_error")
    assert "refused again" in error["message"]
    assert call(prompt_id, "status").json == before


def test_what_has_its_answer_is_not_retried(submit, retry, worker):
    prompt_id = submit()
    worker.answer()

    answer = retry(prompt_id)

    assert (answer.status_code, answer.json["error"]["code"]) == (409, "not_retryable")
    assert "has its answer" in answer.json["error"]["message"]


@pytest.mark.parametrize("prompt_id", [UNKNOWN, "nonsense"])
def test_what_is_unknown_is_not_found(retry, prompt_id):
    assert retry(prompt_id).status_code == 404


def test_a_deleted_prompt_is_not_found(client, retry, failed):
    client.delete(f"/api/v1/prompt/{failed}")

    assert retry(failed).status_code == 404


def test_a_full_line_takes_no_retry_and_says_when_to_come_back(make_app, submit, failed, queue):
    submit()
    client = make_app(max_queue_depth=1).test_client()

    answer = client.post(f"/api/v1/prompt/{failed}/retry")

    assert (answer.status_code, answer.json["error"]["code"]) == (429, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0
    assert queue.get(failed).outcome == "failed"


def test_a_line_that_only_seems_full_takes_it(make_app, submit, failed, queue):
    submit(expires_in=60)
    queue._database.run("UPDATE prompts SET expires_at = expires_at - 61 WHERE status = 'queued'")
    client = make_app(max_queue_depth=1).test_client()

    assert client.post(f"/api/v1/prompt/{failed}/retry").json["position"] == 1


def test_its_key_gives_its_present_standing(client, retry, worker):
    first = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=KEY)
    worker.fail(ErrorCode.TIMED_OUT)
    retry(first.json["id"])

    again = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=KEY)

    assert (again.status_code, again.json) == (202, first.json)


def test_a_result_that_is_waited_for_comes_with_the_new_answer(failed, retry, call, worker, until):
    retry(failed)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(call(failed, "result?wait=30")))
    waiting.start()
    worker.answer()

    waiting.join(30)

    assert (answers[0].status_code, answers[0].json["response"]) == (200, "Rayleigh.")


def test_one_that_was_put_back_says_why_until_it_has_succeeded(submit, call, worker):
    prompt_id = submit()
    words = "the model server broke the connection:\n\tBad\r\nGateway " + "x" * 400

    worker.queue.finish(worker.claim(), PutBack(cause=words, counts=False))
    put_back = call(prompt_id, "result").json
    worker.queue._database.run("UPDATE prompts SET not_before = NULL")
    claim = worker.claim()
    running = call(prompt_id, "status").json
    worker.finish(claim)

    assert (put_back["status"], put_back["error"]) == ("queued", None)
    assert put_back["last_error"].startswith("the model server broke the connection: Bad Gateway xxx")
    assert len(put_back["last_error"]) == 300
    assert running["last_error"] == put_back["last_error"]
    assert call(prompt_id, "status").json["last_error"] is None


def test_why_one_has_failed_is_one_line(submit, call, worker):
    prompt_id = submit()
    worker.queue.finish(worker.claim(), Failed(cause="a\n\nb " + "c" * 1000, code=ErrorCode.TIMED_OUT))

    for answer in (call(prompt_id, "status"), call(prompt_id, "result")):
        message = answer.json["error"]["message"]
        assert (message[:5], len(message)) == ("a b c", 300)
