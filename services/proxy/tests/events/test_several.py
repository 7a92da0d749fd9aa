"""GET /api/v1/events: several prompts on one connection, and a reader that goes on with all of them."""

import json

import pytest
from promptqueue.prompt import Failed
from proxy.app import parts

UNKNOWN = "7d444840-9dc0-41d1-b245-5ffdce74fad2"


def path_of(*prompt_ids):
    return "/api/v1/events?" + "&".join(f"id={prompt_id}" for prompt_id in prompt_ids)


def text_of(events, prompt_id):
    """Put together the text that these events have of this prompt, with its attempt."""
    attempt, text = 0, ""
    for event in events:
        if event.kind == "token" and event.data["id"] == prompt_id:
            text = (text if event.data["attempt"] == attempt else "") + event.data["text"]
            attempt = event.data["attempt"]
    return attempt, text


@pytest.fixture
def run(client, follow, submit, worker, until):
    """Three prompts that were followed to their ends: one succeeded, one in its second attempt, one was cancelled."""
    ids = [submit() for _ in range(3)]
    one = follow(client, path_of(*ids))
    until(lambda: len(one.events) == 3)
    for number in range(2):
        claim = worker.claim()
        for offset, piece in enumerate("a\U0001f30dc"):
            worker.queue.stream_text(claim, piece, offset=offset)
            until(lambda end=offset + 1, one_id=ids[number]: text_of(one.events, one_id)[1] == "a\U0001f30dc"[:end])
        worker.queue.write(claim, "a\U0001f30dc", offset=0, tokens=3)
        if number == 1:
            worker.queue.finish(claim, Failed(cause="reset"))
            until(lambda: one.positions[-1] is not None)
            claim = worker.claim()
            worker.queue.stream_text(claim, "b", offset=0)
            until(lambda: text_of(one.events, ids[1]) == (2, "b"))
        worker.finish(claim, {"response": "b" if number else "a\U0001f30dc", "done": True})
    client.post(f"/api/v1/prompt/{ids[2]}/cancel")
    return ids, one.end()


@pytest.mark.parametrize("path", ["/api/v1/events", path_of(*(f"{n:08x}{UNKNOWN[8:]}" for n in range(101)))])
def test_one_to_a_hundred_prompts_are_named(client, path):
    answer = client.get(path)

    assert answer.status_code == 400
    assert (answer.json["error"]["code"], answer.json["error"]["param"]) == ("invalid_request", "id")


@pytest.mark.parametrize("unknown", [UNKNOWN, "nonsense", ""])
def test_one_that_is_unknown_is_not_found_and_named(client, submit, unknown):
    answer = client.get(path_of(submit(), unknown))

    assert answer.status_code == 404
    assert (answer.json["error"]["code"], answer.json["error"]["param"]) == ("not_found", "id")
    assert unknown in answer.json["error"]["message"]


def test_a_hundred_prompts_take_one_place_and_each_has_its_events(app, client, submit, follow, until):
    ids = [submit() for _ in range(100)]

    one = follow(client, path_of(*ids))

    until(lambda: len(one.events) == 100)
    assert [(event.data["id"], event.data["position"]) for event in one.events] == [
        (prompt_id, place) for place, prompt_id in enumerate(ids, start=1)
    ]
    assert parts(app).places.taken == 1
    one.close()


def test_every_event_says_which_prompt_it_is_of_and_the_last_ends_the_stream(run):
    ids, events = run

    assert {event.data["id"] for event in events} == set(ids)
    assert all(list(event.data) == ["id", "attempt", "text"] for event in events if event.kind == "token")
    assert [event.kind for event in events].count("completed") == 3
    assert events[-1].kind == "completed"
    assert [text_of(events, one) for one in ids] == [(1, "a\U0001f30dc"), (2, "b"), (0, "")]


def test_from_any_event_a_reader_gets_the_rest_of_every_prompt_and_nothing_twice(client, follow, run):
    ids, events = run
    for read, event in enumerate(events[:-1], start=1):
        before = events[:read]

        after = follow(client, path_of(*ids), Last_Event_ID=event.id).end()

        assert [text_of([*before, *after], one) for one in ids] == [text_of(events, one) for one in ids]
        ended = [one.data["id"] for one in [*before, *after] if one.kind == "completed"]
        assert sorted(ended) == sorted(ids)
        sent = sum(len(one.data["text"]) for one in after if one.kind == "token")
        assert sent == sum(
            len(text) - (had if attempt == had_attempt else 0)
            for attempt, text, had_attempt, had in (
                (*text_of(events, one), text_of(before, one)[0], len(text_of(before, one)[1])) for one in ids
            )
        )


def test_a_reader_who_has_every_end_is_told_not_to_come_back(client, run):
    ids, events = run

    assert client.get(path_of(*ids), headers={"Last-Event-ID": events[-1].id}).status_code == 204
    assert client.get(path_of(*reversed(ids)), headers={"Last-Event-ID": events[-1].id}).status_code == 204


def test_a_reader_may_come_back_for_more_prompts_or_fewer(client, follow, run, submit, worker):
    ids, events = run
    another = submit()
    worker.answer({"response": "new", "done": True})

    more = follow(client, path_of(another, *ids), Last_Event_ID=events[-1].id).end()
    fewer = client.get(path_of(ids[1]), headers={"Last-Event-ID": events[-1].id})

    assert [(event.data["id"], event.kind) for event in more] == [
        (another, kind) for kind in ("status", "token", "completed")
    ]
    assert fewer.status_code == 204


@pytest.mark.parametrize("garbage", ["1-2", "x", "........", "00000000-1-2", "-end", "f" * 4_000])
def test_garbage_is_taken_for_no_last_event_id(client, run, garbage):
    ids, _ = run
    plain = client.get(path_of(*ids)).data

    assert client.get(path_of(*ids), headers={"Last-Event-ID": garbage}).data == plain


def test_a_prompt_named_twice_is_followed_once(client, submit, worker):
    prompt_id = submit()
    worker.answer()

    answer = client.get(path_of(prompt_id, prompt_id.upper(), prompt_id))

    assert answer.data.count(b"event: completed") == 1


def test_of_a_prompt_that_is_deleted_nothing_more_is_sent_and_the_others_go_on(client, submit, worker, follow, until):
    first, second = submit(), submit()
    one = follow(client, path_of(first, second))
    until(lambda: len(one.events) == 2)

    client.delete(f"/api/v1/prompt/{first}")
    until(lambda: one.positions == [1, 2, 1])
    worker.answer()

    events = one.end()
    assert {event.data["id"] for event in events[2:]} == {second}
    assert events[-1].kind == "completed"


def test_ids_stay_short_enough_to_be_sent_back(client, submit, worker):
    ids = [submit() for _ in range(100)]
    for _ in ids:
        worker.answer()

    answer = client.get(path_of(*ids)).text

    longest = max(len(line) for line in answer.splitlines() if line.startswith("id: "))
    assert longest < 1_500
    assert json.loads(answer.splitlines()[-2].removeprefix("data: "))["id"] == ids[-1]
