"""origin, reattach and let_go: by which face a prompt came, and who holds its call."""

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import ErrorCode, Failed, Idempotency, NewPrompt, Origin

ECHO = {"model": "Llama3.2", "tools": [{"name": "now", "n": 1.5}], "store": None, "text": "ü \0 🌍"}


@pytest.fixture
def come(ask, attend):
    """A prompt comes through a face; its id. Unless a holder is named it is one that is gone."""

    def come_in(holder=None, *, face="openai.chat", fingerprint="f1", **values):
        if holder is None:
            gone = attend()
            gone.leave()
            holder = gone.id
        return ask(origin=Origin(face=face, echo=ECHO, fingerprint=fingerprint, holder=holder), **values)

    return come_in


# ---- origin ----------------------------------------------------------------------------------------------------------


def test_where_a_prompt_came_from_comes_back_as_it_was_stored(another, come, attend):
    holder = attend().id
    prompt_id = come(holder)

    assert another.origin(prompt_id) == Origin(face="openai.chat", echo=ECHO, fingerprint="f1", holder=holder)


def test_a_prompt_in_the_background_has_nobody_who_holds_it(queue, ask):
    origin = Origin(face="openai.responses", echo={})

    assert queue.origin(ask(origin=origin)) == origin


def test_an_echo_may_hold_any_character(queue, ask):
    prompt_id = ask(origin=Origin(face="openai.chat", echo={"user": "a\ud800"}))

    assert queue.origin(prompt_id).echo == {"user": "a\ufffd"}


def test_a_prompt_that_came_by_no_face_has_no_origin(queue, ask):
    assert queue.origin(ask()) is None


def test_an_unknown_prompt_has_no_origin_to_tell_of(queue, unknown):
    with pytest.raises(PromptNotFound):
        queue.origin(unknown)


def test_several_at_once_have_each_their_own(queue, come, ask):
    with queue.transaction():
        prompt_ids = [come(face="ollama.chat"), ask(), come(face="anthropic.messages")]

    found = [queue.origin(prompt_id) for prompt_id in prompt_ids]
    assert [origin and origin.face for origin in found] == ["ollama.chat", None, "anthropic.messages"]


@pytest.mark.parametrize("end", ["delete", "prune"])
def test_an_origin_goes_with_its_prompt(queue, in_order, come, clock, end):
    prompt_id = come()
    queue.cancel(prompt_id)
    clock.advance(1)

    queue.delete(prompt_id) if end == "delete" else queue.prune(older_than=0.5)

    in_order()
    assert queue.reattach("openai.chat", "f1", holder="new") is None
    with pytest.raises(PromptNotFound):
        queue.origin(prompt_id)


def test_what_an_echo_repeats_is_erased_with_what_was_asked(queue, in_order, come, clock):
    prompt_id = queue.cancel(come()).id
    clock.advance(1)

    assert queue.erase_unrun(older_than=0.5) == 1

    in_order()
    assert (queue.origin(prompt_id), queue.request(prompt_id)) == (None, None)


def test_a_prompt_that_was_retried_keeps_its_origin_and_nobody_holds_it(queue, in_order, come, clock):
    prompt_id = queue.cancel(come()).id

    queue.retry(prompt_id)

    in_order()
    assert queue.origin(prompt_id) == Origin(face="openai.chat", echo=ECHO)
    assert queue.reattach("openai.chat", "f1", holder="new") is None
    for _ in range(2):
        queue.recover()
        clock.advance(60)
    assert queue.get(prompt_id).status == "queued"


# ---- reattach --------------------------------------------------------------------------------------------------------


def test_whoever_comes_again_has_its_prompt_back_once_its_holder_is_gone(queue, another, come, attend):
    prompt_id, new = come(), attend()

    given = another.reattach("openai.chat", "f1", holder=new.id)

    assert given == queue.get(prompt_id)
    assert queue.origin(prompt_id) == Origin(face="openai.chat", echo=ECHO, fingerprint="f1", holder=new.id)


def test_a_prompt_whose_holder_lives_is_given_to_nobody(queue, come, attend):
    old, new = attend(), attend()
    prompt_id = come(old.id)

    assert queue.reattach("openai.chat", "f1", holder=new.id) is None
    assert queue.reattach("openai.chat", "f1", holder=old.id) is None
    assert queue.origin(prompt_id).holder == old.id


def test_each_prompt_is_given_once_and_again_when_its_new_holder_is_gone(queue, come, attend):
    prompt_id, second, third = come(), attend(), attend()

    first_time = queue.reattach("openai.chat", "f1", holder=second.id)
    meanwhile = queue.reattach("openai.chat", "f1", holder=third.id)
    second.leave()
    again = queue.reattach("openai.chat", "f1", holder=third.id)

    assert (first_time.id, meanwhile, again.id) == (prompt_id, None, prompt_id)


def test_of_several_that_are_alike_the_newest_is_given_first(queue, come, attend):
    older, newer, new = come(), come(), attend()

    given = [queue.reattach("openai.chat", "f1", holder=new.id) for _ in range(3)]

    assert [prompt and prompt.id for prompt in given] == [newer, older, None]


def test_one_that_is_held_does_not_stand_before_one_that_is_not(queue, come, attend):
    left_behind, new = come(), attend()
    come(new.id)

    assert queue.reattach("openai.chat", "f1", holder=new.id).id == left_behind


@pytest.mark.parametrize("asked", [("ollama.chat", "f1"), ("openai.chat", "f2")])
def test_nobody_is_given_what_came_through_another_face_or_was_another_request(queue, come, attend, asked):
    come()

    assert queue.reattach(*asked, holder=attend().id) is None


def test_nobody_is_given_what_another_owner_asked(queue, attend):
    new, origin = attend(), Origin(face="openai.chat", echo={}, fingerprint="f1", holder="gone")
    everybodys, annas = queue.enqueue(*[NewPrompt(request={}, origin=origin, owner=owner) for owner in (0, 2)])

    given = [queue.reattach("openai.chat", "f1", holder=new.id, **of) for of in ({"owner": 3}, {}, {"owner": 2})]

    assert [prompt and prompt.id for prompt in given] == [None, everybodys.prompt.id, annas.prompt.id]


def test_what_came_without_a_fingerprint_or_without_a_holder_is_given_to_nobody(queue, come, ask, attend):
    come(fingerprint=None)
    ask(origin=Origin(face="openai.chat", echo={}, fingerprint="f1"))

    assert queue.reattach("openai.chat", "f1", holder=attend().id) is None


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_prompt_is_given_wherever_it_stands(queue, come, attend, terms, status):
    prompt_id = come()
    if status == "processing":
        queue.claim(terms)

    assert queue.reattach("openai.chat", "f1", holder=attend().id).id == prompt_id
    assert queue.get(prompt_id).status == status


@pytest.mark.parametrize("how", ["answered", "refused", "cancelled"])
def test_a_prompt_is_given_for_a_minute_after_its_end_however_it_ended(
    queue, come, attend, terms, answered, clock, how
):
    prompt_id = come()
    match how:
        case "answered":
            queue.finish(queue.claim(terms), answered)
        case "refused":
            queue.finish(queue.claim(terms), Failed(cause="no", code=ErrorCode.MODEL_REFUSED))
        case _:
            queue.cancel(prompt_id)

    clock.advance(59.9)
    new = attend()
    in_time = queue.reattach("openai.chat", "f1", holder=new.id)
    new.leave()
    clock.advance(0.1)
    too_late = queue.reattach("openai.chat", "f1", holder=attend().id)

    assert (in_time.id, in_time.status, too_late) == (prompt_id, "completed", None)


def test_to_find_nothing_writes_nothing(queue, another, come, attend):
    holder = attend()
    come(holder.id)

    with queue.transaction():  # to write, the other would have to wait for its turn
        assert another.reattach("openai.chat", "f1", holder=holder.id) is None


# ---- let_go ----------------------------------------------------------------------------------------------------------


def test_a_prompt_that_was_let_go_of_is_given_to_nobody_and_waited_for_by_nobody(queue, in_order, come, attend, clock):
    prompt_id = come()

    queue.let_go(prompt_id)

    in_order()
    assert queue.origin(prompt_id) == Origin(face="openai.chat", echo=ECHO)
    assert queue.reattach("openai.chat", "f1", holder=attend().id) is None
    for _ in range(2):
        queue.recover()
        clock.advance(60)
    assert queue.get(prompt_id).status == "queued"


def test_to_let_go_of_what_nobody_holds_is_nothing(queue, ask, unknown):
    queue.let_go(ask())
    queue.let_go(unknown)


def test_to_let_go_shares_a_commit_and_goes_with_it(queue, come, unknown):
    prompt_id = come()

    def leave():
        queue.cancel(prompt_id)
        queue.let_go(prompt_id)
        queue.get(unknown)

    with pytest.raises(PromptNotFound), queue.transaction():
        leave()

    assert (queue.get(prompt_id).status, queue.origin(prompt_id).fingerprint) == ("queued", "f1")


# ---- the same key again ----------------------------------------------------------------------------------------------


def test_a_prompt_that_comes_again_under_its_key_is_held_by_whoever_sent_it_last(queue, come, attend, clock):
    key = Idempotency(key="k", fingerprint="body")
    prompt_id, new = come(idempotency=key), attend()

    again = come(new.id, idempotency=key)
    for _ in range(2):
        queue.recover()
        clock.advance(60)

    assert (again, queue.get(prompt_id).status, queue.origin(prompt_id).holder) == (prompt_id, "queued", new.id)


def test_a_prompt_that_nobody_held_is_not_held_because_its_key_comes_again(queue, ask, come, attend):
    key = Idempotency(key="k", fingerprint="body")
    prompt_id = ask(idempotency=key, origin=Origin(face="openai.chat", echo={}))

    come(attend().id, idempotency=key)

    assert queue.origin(prompt_id) == Origin(face="openai.chat", echo={})
