"""A held call: from its acceptance to its answer."""

import threading

import pytest
from promptqueue.prompt import Status


@pytest.fixture
def asking(client):
    """Ask on a thread; gives who asks, whose `result` is the answer."""
    started = []

    class Asking:
        def __init__(self, **body):
            self._client, self._body = client.application.test_client(), body
            self._thread = threading.Thread(target=self._ask)
            self._thread.start()

        def _ask(self):
            answer = self._client.post("/tiny", json=self._body)
            self.answered = answer
            answer.get_data()

        def join(self):
            self._thread.join(30)

        @property
        def result(self):
            self.join()
            return self.answered

    def ask(**body):
        started.append(Asking(**body))
        return started[-1]

    yield ask
    for each in started:
        each.join()


@pytest.fixture
def queued(queue, until):
    """Wait for the prompt to be in line."""

    def one(count=1):
        return until(lambda: len(page := queue.newest(status=Status.QUEUED).prompts) == count and page)[0]

    return one


def test_a_whole_answer_is_one_document(asking, queued, worker):
    call = asking()
    prompt = queued()
    worker.answer()

    answer = call.result

    assert (answer.status_code, answer.json) == (200, {"text": "Rayleigh."})
    assert answer.headers["X-Prompt-Id"] == prompt.id
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_stream_has_the_text_and_then_the_ending(asking, queued, worker, until):
    call = asking(stream=True)
    queued()
    claim = worker.claim()
    worker.speak(claim, "Ray", "leigh.", write=True)
    worker.finish(claim)

    answer = call.result

    assert answer.status_code == 200
    assert answer.text.startswith("open\n1.0 Ray")
    assert answer.text.endswith("\nanswer Rayleigh.\nend\n")


def test_what_fails_before_anything_was_sent_has_its_own_status(asking, queued, worker):
    call = asking(stream=True)
    prompt = queued()
    worker.fail()

    answer = call.result

    assert (answer.status_code, answer.text) == (400, "model_refused: The model refused.")
    assert answer.headers["X-Prompt-Id"] == prompt.id


def test_a_prompt_cancelled_by_somebody_else_is_gone(asking, queued, queue):
    call = asking()
    queue.cancel(queued().id)

    answer = call.result

    assert (answer.status_code, answer.headers["x-should-retry"]) == (410, "false")
    assert answer.text.startswith("cancelled: ")
