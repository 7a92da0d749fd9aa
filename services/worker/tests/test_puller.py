"""A download that fails is tried ever more seldom, unless its connection broke when something had come."""

from __future__ import annotations

import time

import pytest
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.server.puller import LONGEST_BACKOFF, Puller

COMING = [{"digest": "sha256:a", "total": 100, "completed": completed} for completed in (10, 20, 30)]
BROKEN = CallEnd(kind=EndKind.BROKEN, words="Connection reset by peer")
MISMATCH = CallEnd(kind=EndKind.ERROR_LINE, words="digest mismatch, file must be downloaded again", in_json=True)
FULL = CallEnd(kind=EndKind.ERROR_LINE, words="write /models/blobs/x: no space left on device", in_json=True)
CUT = CallEnd(kind=EndKind.ERROR_LINE, words='Get "https://registry.ollama.ai/v2/": unexpected EOF', in_json=True)


class Says:
    """A server whose download brings these records and then ends so; the model is never there."""

    def __init__(self, records, end=None):
        self._records = records
        self._seen = end

    def pull(self, *_, **__):
        yield from self._records
        if self._seen:
            raise OllamaFailed(self._seen)

    def lists(self, _):
        return False


def pauses(says, number=4):
    """Seconds until the next try, each time that it is tried."""
    puller, found = Puller(says, "llama3.2"), []
    for _ in range(number):
        assert not puller.pull(lambda _: None)
        found.append(round(puller.retry_at - time.monotonic()))
    return found


@pytest.mark.parametrize(
    ("records", "end"),
    [
        (COMING, MISMATCH),
        (COMING, FULL),
        ([*COMING, {"status": "success"}], None),
        ([], BROKEN),
        (COMING[:1], BROKEN),  # what was there before
    ],
    ids=["digest mismatch", "disk full", "success without a model", "nothing came", "nothing new came"],
)
def test_what_would_cost_as_much_again_is_tried_ever_more_seldom(records, end):
    assert pauses(Says(records, end)) == [1, 2, 4, 8]


@pytest.mark.parametrize("end", [BROKEN, CUT, None], ids=["to Ollama", "to the registry", "without a word"])
def test_a_connection_that_broke_when_something_had_come_is_tried_again_at_once(end):
    assert pauses(Says(COMING, end)) == [1, 1, 1, 1]


def test_the_pauses_grow_to_minutes_and_no_longer_and_the_reason_stays():
    says = Says(COMING, FULL)

    assert pauses(says, 12)[-1] == LONGEST_BACKOFF
    puller = Puller(says, "llama3.2")
    puller.pull(lambda _: None)
    assert puller.failure == f"the download failed and is tried again: {FULL.words}"
