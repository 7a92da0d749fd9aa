"""Prompts are answered in their order, each by one fresh call, and the answer is Ollama's own."""

from __future__ import annotations

from promptqueue.notes import Text
from promptqueue.prompt import NewPrompt, Outcome, Status
from support.waiting import seconds_until, stays, until

TOOLS = [{"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}]


def test_a_prompt_is_answered_with_ollamas_record_and_the_whole_text(worker, ollama, queue, ask, completed):
    ollama.set(text="Hello to you, whoever you are.")
    worker()

    prompt = completed(ask("Hi"))

    answer = queue.answer(prompt.id)
    assert (prompt.outcome, prompt.attempt, prompt.failures) == (Outcome.SUCCEEDED, 1, 0)
    assert answer["response"] == "Hello to you, whoever you are."
    assert (answer["done"], answer["done_reason"], answer["model"]) == (True, "stop", "llama3.2")
    assert answer["eval_count"] == prompt.tokens
    assert "context" not in answer


def test_a_chat_is_answered_as_a_chat(worker, ollama, queue, ask, completed):
    ollama.set(text="Hello.")
    worker()

    prompt = completed(ask(messages=[{"role": "user", "content": "Hi"}], system="Be brief."))

    assert queue.answer(prompt.id)["message"] == {"role": "assistant", "content": "Hello."}
    assert ollama.asked("/api/chat")[0]["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_raw_prompt_is_generated_as_it_is(ollama, ask, completed, ready):
    ready()

    completed(ask("<|begin_of_text|>Hi", raw=True))

    [asked] = ollama.asked("/api/generate")
    assert (asked["prompt"], asked["raw"]) == ("<|begin_of_text|>Hi", True)


def test_the_fields_of_an_answer_stand_in_ollamas_order(queue, ask, completed, ready):
    ready()
    order = ["model", "created_at", "message", "done", "done_reason", "total_duration"]

    chat = queue.answer(completed(ask(messages=[{"role": "user", "content": "Hi"}])).id)
    plain = queue.answer(completed(ask("Hi")).id)

    assert [*chat][:6] == order
    assert [*plain][:6] == [name.replace("message", "response") for name in order]


def test_an_answer_cut_at_the_limit_is_a_success(worker, queue, ask, completed):
    worker(MAX_TOKENS=3)

    prompt = completed(ask("Tell me a long story"))

    assert prompt.outcome is Outcome.SUCCEEDED
    assert queue.answer(prompt.id)["done_reason"] == "length"
    assert prompt.tokens == 3


def test_every_prompt_is_one_fresh_call(worker, ollama, ask, completed):
    worker()

    for _ in range(2):
        completed(ask("the same text"))

    first, second = ollama.asked("/api/generate")
    assert first == second
    assert first["stream"] is True
    assert first["truncate"] is False
    assert not first.keys() & {"context", "keep_alive"}
    assert {"no-store"} == {call["headers"]["cache-control"] for call in ollama.calls()}


def test_prompts_are_answered_first_come_first_served(worker, ollama, ask, completed):
    prompts = [ask(f"number {number}") for number in range(5)]
    worker()

    for prompt in prompts:
        completed(prompt)

    assert [call["prompt"] for call in ollama.asked("/api/generate")] == [f"number {number}" for number in range(5)]


def test_each_slot_answers_a_prompt_at_a_time(worker, ollama, queue, ask):
    ollama.set(slots=3, pace=0.05)
    ask("one"), ask("two"), ask("three"), ask("four")
    worker(WORKER_CONCURRENCY=3)

    until(lambda: queue.counts().processing == 3)

    assert queue.counts().queued == 1
    assert queue.workers().slots == 3


def test_wake_ups_alone_tell_the_worker_of_a_prompt_and_of_a_cancel(ready, ollama, queue, ask, completed, monkeypatch):
    for look in ("slot.IDLE_WAIT", "watcher.LOOK_EVERY"):  # that make up for a note that got lost
        monkeypatch.setattr(f"worker.answering.{look}", 3600.0)
    ready(LEASE_SECONDS=600)
    completed(ask("Hi"))  # it waits for wake-ups from here on

    for number in range(5):
        completed(ask(f"number {number}"), within=5)
    ollama.fault("hang_before_first_token")
    prompt = ask("cancel me")
    ollama.wait_for("started", 7)
    queue.cancel(prompt.id)

    assert ollama.wait_for_end(7, timeout=5)["end"] == "client_closed"


def test_a_token_is_streamed_at_once_and_kept_within_a_third_of_a_second(worker, ollama, queue, storage, ask):
    ollama.set(pace=0.02, text=" ".join(["word"] * 40))
    worker()

    def seconds_until_kept():
        prompt = ask("Hi")
        with storage.listen() as listener, listener.subscribe(prompt.id) as subscription:
            until(lambda: queue.get(prompt.id).status is Status.PROCESSING)
            told = []
            until(lambda: told.extend(n for n in subscription.wait(0.1) if isinstance(n, Text)) or told)
            seconds = seconds_until(lambda: queue.partial(prompt.id))
        assert told[0].offset == 0
        assert queue.partial(prompt.id).startswith(told[0].text)
        return seconds

    assert min(seconds_until_kept() for _ in range(3)) < 0.35  # a busy machine may keep one of them waiting


def test_text_is_counted_in_code_points(storage, worker, ollama, queue, ask, completed):
    text = "Grüße 🙂 aus Zürich, " * 6
    ollama.set(pace=0.02, text=text)
    worker()

    with storage.listen() as listener:
        prompt = ask("Hi")
        with listener.subscribe(prompt.id) as subscription:
            completed(prompt)
            told = [note for note in subscription.wait(1) if isinstance(note, Text)]

    assert len(told) > 20
    assert [text[note.offset :].startswith(note.text) for note in told] == [True] * len(told)
    assert queue.answer(prompt.id)["response"] == text


def test_text_is_kept_at_its_place_when_it_is_written_in_steps(worker, ollama, queue, ask):
    text = "Grüße 🙂 aus Zürich, " * 60
    ollama.set(pace=0.02, text=text)
    worker()
    prompt = ask("Hi")
    steps = set()

    until(lambda: steps.add(queue.partial(prompt.id)) or len(steps) > 3)

    assert all(text.startswith(step) for step in steps)


def test_a_prompt_handed_in_while_idle_is_claimed_at_once(queue, ask, ready):
    ready()

    def seconds_until_claimed():
        prompt = ask("Hi")
        return seconds_until(lambda: queue.get(prompt.id).status is not Status.QUEUED)

    # A look once a second would find none of them so soon, and a busy machine may keep one of them waiting.
    assert min(seconds_until_claimed() for _ in range(3)) < 0.1


def test_an_unexpected_error_costs_one_attempt_and_not_the_worker(worker, queue, ask, completed):
    worker(MAX_FAILURES=2)
    strange = queue.enqueue(NewPrompt(request={"neither": "prompt", "nor": "messages"}))[0].prompt

    after = completed(ask("Hi"))

    assert after.outcome is Outcome.SUCCEEDED
    assert completed(strange).error.message == (
        "Gave up after 2 failed attempts; the last: the worker met an unexpected error: KeyError"
    )


def test_an_idle_worker_writes_nothing(worker, queue, onlooker):
    worker()
    until(queue.facts)  # what is written last once the model is ready
    version = onlooker()

    stays(lambda: onlooker() == version, seconds=2.5)


def test_the_text_of_a_prompt_is_never_logged(spawn, ollama, ask, completed):
    ollama.set(text="Nobody is to read this either.")
    process = spawn()

    prompt = completed(ask("A secret nobody is to read"))

    until(lambda: f"prompt finished id={prompt.id} attempt=1 outcome=succeeded" in process.output)
    assert "nobody" not in process.output.lower()
