"""A prompt that was retried: its readers get its new life, and nothing of the old one twice."""

import pytest
from promptqueue.prompt import ErrorCode


@pytest.fixture
def failed(submit, worker):
    """A prompt that was given up after one attempt, of which a text is left."""
    prompt_id = submit()
    worker.fail(ErrorCode.ATTEMPTS_EXHAUSTED, "Gave up.", partial="It is")
    return prompt_id


@pytest.fixture
def retry(client):
    def retry(prompt_id):
        assert client.post(f"/api/v1/prompt/{prompt_id}/retry").status_code == 200

    return retry


@pytest.fixture
def cancel(client):
    return lambda prompt_id: client.post(f"/api/v1/prompt/{prompt_id}/cancel")


def test_a_reader_who_has_the_end_gets_the_new_life_alone(read, failed, path_of, retry, worker, followed, until):
    [*_, (end, _, _)] = read(path_of(failed))
    retry(failed)

    one = followed(failed, Last_Event_ID=end)
    claim = worker.claim()
    until(lambda: len(one.positions) == 2)
    worker.speak(claim, "Rayleigh")
    until(lambda: one.text == "Rayleigh")
    worker.finish(claim, {"response": "Rayleigh", "done": True})

    assert [event.kind for event in one.end()] == ["status", "status", "token", "completed"]
    assert one.positions == [1, None]
    assert one.events[-1].data["outcome"] == "succeeded"


def test_a_reader_who_comes_back_after_the_new_life_too_gets_its_text_and_end(read, failed, path_of, retry, worker):
    [*_, (end, _, _)] = read(path_of(failed))
    retry(failed)
    worker.answer({"response": "Rayleigh", "done": True})

    events = read(path_of(failed), end)

    assert [(kind, data.get("text")) for _, kind, data in events] == [("token", "Rayleigh"), ("completed", None)]


def test_each_end_is_one_of_its_own(client, read, submit, path_of, retry, cancel):
    """Though no attempt was begun in between: a cancelled prompt that is cancelled again has ended twice."""
    prompt_id = submit()
    cancel(prompt_id)
    ends = [read(path_of(prompt_id))[-1][0]]
    for _ in range(2):
        retry(prompt_id)
        cancel(prompt_id)
        events = read(path_of(prompt_id), ends[-1])
        assert [kind for _, kind, _ in events] == ["completed"]
        ends.append(events[-1][0])

    answers = [client.get(path_of(prompt_id), headers={"Last-Event-ID": end}).status_code for end in ends]

    assert ends[0] == "0-0-end"
    assert answers == [200, 200, 204]


def test_a_stream_that_is_still_being_closed_does_not_give_a_new_reader_the_old_end(
    client, failed, path_of, retry, followed
):
    """The live prompt is kept while anybody has not left it, and this one's end is known."""
    old = client.get(path_of(failed))
    assert b"completed" in b"".join(old.response)
    retry(failed)

    one = followed(failed)

    assert one.events[0].data["status"] == "queued"
    old.close()


def test_a_reader_of_several_who_has_all_ends_gets_the_new_life_alone(
    client, failed, finished, retry, worker, follow, until
):
    path = f"/api/v1/events?id={failed}&id={finished}"
    end = follow(client, path).end()[-1].id
    assert client.get(path, headers={"Last-Event-ID": end}).status_code == 204
    retry(failed)

    one = follow(client, path, Last_Event_ID=end)
    until(lambda: one.positions == [1])
    worker.answer({"response": "Rayleigh", "done": True})
    events = one.end()

    assert {event.data["id"] for event in events} == {failed}
    assert [event.data["text"] for event in events if event.kind == "token"] == ["Rayleigh"]
    assert client.get(path, headers={"Last-Event-ID": events[-1].id}).status_code == 204


def test_an_id_of_several_written_before_there_were_retries_is_understood(client, finished):
    answer = client.get(f"/api/v1/events?id={finished}", headers={"Last-Event-ID": f"{finished[:8]}-end"})

    assert answer.status_code == 204
