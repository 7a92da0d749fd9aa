"""Whatever happens to a prompt, and in whatever order: its client has the whole answer, or knows that it has not."""

import random

import pytest
from promptqueue.errors import ClaimLost
from promptqueue.prompt import Answered, ErrorCode, Failed

ENDS = ["finish", "finish", "fail", "cancel", "delete"]


@pytest.fixture
def queue(served, queue_at):
    return queue_at(served.database_url)


class Fate:
    """What happens to one prompt, by chance; `text` is then that of the answer, if there is one."""

    def __init__(self, chance, queue, worker, prompt_id):
        self._chance, self._queue, self._worker, self._prompt_id = chance, queue, worker, prompt_id
        self.text, self._written = "", 0  # and how much of it is stored, without a gap
        self._claim = None

    def befall(self):
        for _ in range(self._chance.randrange(12)):
            self._step()
        self._begin()
        end = self._chance.choice(ENDS)
        {
            "finish": lambda: self._finish(Answered(record={"response": self.text, "done": True}, tokens=1)),
            "fail": lambda: self._finish(Failed(cause="It broke.", code=ErrorCode.TIMED_OUT)),
            "cancel": lambda: self._queue.cancel(self._prompt_id),
            "delete": lambda: self._queue.delete(self._prompt_id),
        }[end]()
        return end

    def _step(self):
        self._begin()
        if self._chance.random() < 0.15:
            self._worker.queue.release(self._claim)
            self._claim = None
        else:
            piece = self._chance.choice("abcdefg") * self._chance.choice([1, 3, 20_000])
            self._worker.speak(self._claim, piece, offset=len(self.text))
            self.text += piece
            if self._chance.random() < 0.5:
                self._worker.speak(self._claim, self.text[self._written :], offset=self._written, write=True)
                self._written = len(self.text)

    def _begin(self):
        if self._claim is None:
            self.text, self._written = "", 0
            self._claim = self._worker.claim()

    def _finish(self, ending):
        self._worker.queue.finish(self._claim, ending)


def said(chunks):
    """Join the text of a stream, whose pieces must follow one upon the other within one attempt."""
    text, attempts = "", set()
    for chunk in chunks:
        if chunk[0].isdigit():
            place, _, piece = chunk.rstrip("\n").partition(" ")
            attempt, offset = map(int, place.split("."))
            attempts.add(attempt)
            assert offset == len(text)
            text += piece
    assert len(attempts) <= 1
    return text


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_is_whole_or_says_that_it_is_not(served, at_work, call, in_line, queue, seed):
    one = call(served, stream=True)
    [prompt] = in_line(queue)
    fate = Fate(random.Random(seed), queue, at_work, prompt.id)

    end = gone = None
    try:
        end = fate.befall()
    except (ClaimLost, AssertionError) as error:  # what cannot be taken back has ended the prompt meanwhile
        gone = error

    status = one.head()
    if status != 200:
        assert end in ("fail", "cancel", "delete")
        return
    chunks = one.chunks()
    if one.is_whole:
        assert end == "finish"
        assert said(chunks) == fate.text
        assert chunks[-2:] == [f"answer {fate.text}\n", "end\n"]
    else:
        assert chunks[-1].startswith("failure ")
        said(chunks)
        assert end != "finish" or "restarted" in chunks[-1]
        assert gone is None or "restarted" in chunks[-1]


@pytest.mark.parametrize("seed", range(12))
def test_a_document_is_whole_or_is_not_one(served, at_work, call, in_line, queue, seed):
    one = call(served)
    [prompt] = in_line(queue)
    fate = Fate(random.Random(seed), queue, at_work, prompt.id)

    end = fate.befall()

    status = one.head()
    body = "".join(one.chunks()) if "transfer-encoding" in one.headers else one.rest()
    if end == "finish":
        assert (status, body.strip()) == (200, f'{{"text":"{fate.text}"}}')
    else:
        assert status in (410, 500) or (body.strip() == "" and not one.is_whole)
