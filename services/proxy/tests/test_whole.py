"""GET /api/v1/prompt/{id}: where a prompt stands, what was asked, and the answer, in one look."""

import pytest
from promptqueue.prompt import ErrorCode

ASKED = {"prompt": "Why?", "system": "Be brief.", "options": {"seed": 1}}


@pytest.fixture
def whole(client):
    return lambda prompt_id: client.get(f"/api/v1/prompt/{prompt_id}")


@pytest.fixture
def standing(client):
    return lambda prompt_id: client.get(f"/api/v1/prompt/{prompt_id}/status").json


def test_it_is_the_status_with_what_was_asked_and_the_answer(submit, whole, standing, worker, record):
    prompt_id = submit("Why?", system="Be brief.", options={"seed": 1}, model="llama3.2", stream=False)

    waiting = whole(prompt_id)
    waiting_status = standing(prompt_id)
    worker.answer()
    answered = whole(prompt_id)

    assert (waiting.status_code, answered.status_code) == (200, 200)
    assert waiting.headers["X-Prompt-Id"] == prompt_id
    assert waiting.json == {**waiting_status, "request": ASKED, "answer": None}
    assert answered.json == {**standing(prompt_id), "request": ASKED, "answer": record}


def test_it_says_why_a_prompt_has_no_answer(submit, whole, worker):
    prompt_id = submit("Why?")
    worker.fail(ErrorCode.TIMED_OUT, "It took too long.", partial="It is")

    found = whole(prompt_id).json

    assert (found["error"]["message"], found["request"], found["answer"]) == (
        "It took too long.",
        {"prompt": "Why?"},
        None,
    )


def test_a_prompt_that_is_overdue_is_settled_by_whoever_looks(submit, whole, queue):
    prompt_id = submit(expires_in=60)
    queue._database.run("UPDATE prompts SET expires_at = expires_at - 61")

    assert whole(prompt_id).json["outcome"] == "expired"


def test_what_was_asked_is_null_once_it_was_erased(client, submit, whole, queue):
    prompt_id = submit()
    queue.cancel(prompt_id)
    queue._database.run("UPDATE prompts SET completed_at = completed_at - 3600")
    assert queue.erase_unrun(older_than=60) == 1

    found = whole(prompt_id)
    again = client.post(f"/api/v1/prompt/{prompt_id}/retry")

    assert (found.status_code, found.json["outcome"], found.json["request"]) == (200, "cancelled", None)
    assert (again.status_code, again.json["error"]["code"]) == (409, "not_retryable")
    assert "erased" in again.json["error"]["message"]


@pytest.mark.parametrize("prompt_id", ["7d444840-9dc0-41d1-b245-5ffdce74fad2", "nonsense"])
def test_what_is_unknown_is_not_found(whole, prompt_id):
    assert whole(prompt_id).status_code == 404


def test_a_deleted_prompt_is_not_found(client, submit, whole):
    prompt_id = submit()
    client.delete(f"/api/v1/prompt/{prompt_id}")

    assert whole(prompt_id).status_code == 404


def test_head_is_answered_without_a_body(client, submit):
    prompt_id = submit()

    answer = client.head(f"/api/v1/prompt/{prompt_id}")

    assert (answer.status_code, answer.data, answer.headers["X-Prompt-Id"]) == (200, b"", prompt_id)
