"""Breaking off: an answer that fails after it has begun ends with an error and a cut, and is never taken for whole."""

import pytest
from promptqueue.prompt import ErrorCode, Failed, Outcome


@pytest.fixture
def queue(served, queue_at):
    return queue_at(served.database_url)


@pytest.fixture
def begun(served, at_work, call, in_line, queue):
    """Call, and have the first text; the call, the prompt and the worker's claim."""

    def begun(**how):
        one = call(served, stream=True, **how)
        [prompt] = in_line(queue)
        claim = at_work.claim()
        at_work.speak(claim, "Ray", write=True)
        assert one.head() == 200
        if "transfer-encoding" in one.headers:
            while one.chunk() != "1.0 Ray\n":
                pass
        return one, prompt, claim

    return begun


@pytest.fixture(autouse=True)
def _no_traceback(served):
    yield
    assert served.traceback == ""


def test_a_stream_that_fails_says_so_in_one_chunk_and_is_cut(begun, at_work):
    one, _, claim = begun()

    at_work.queue.finish(claim, Failed(cause="It broke.", code=ErrorCode.TIMED_OUT))

    assert [chunk for chunk in one.chunks() if chunk != "beat\n"] == ["failure timed_out\n"]
    assert not one.is_whole


def test_text_that_was_sent_is_never_begun_anew(begun, at_work, queue, until):
    one, prompt, claim = begun()

    at_work.queue.release(claim)

    assert one.chunks()[-1] == "failure restarted\n"
    assert not one.is_whole
    assert until(lambda: queue.get(prompt.id).outcome) is Outcome.CANCELLED


def test_a_prompt_that_is_deleted_while_it_is_read_is_gone(begun, queue):
    one, prompt, _ = begun()

    queue.delete(prompt.id)

    assert one.chunks()[-1] == "failure deleted\n"
    assert not one.is_whole


def test_a_prompt_that_is_cancelled_while_it_is_read_is_gone(begun, queue):
    one, prompt, _ = begun()

    queue.cancel(prompt.id)

    assert one.chunks()[-1] == "failure cancelled\n"
    assert not one.is_whole


def test_a_document_that_fails_after_its_blanks_is_cut_without_a_word(served, at_work, call):
    one = call(served)
    assert (one.head(), one.chunk()) == (200, " ")

    at_work.fail()

    assert set(one.chunks()) <= {" "}
    assert not one.is_whole


def test_an_older_client_that_knows_no_chunks_gets_the_error_and_the_end_of_the_connection(begun, at_work):
    one, _, claim = begun(version="1.0")
    assert one.headers["connection"] == "close"

    at_work.queue.finish(claim, Failed(cause="It broke.", code=ErrorCode.TIMED_OUT))

    assert one.rest().endswith("failure timed_out\n")


def test_an_older_client_has_its_whole_answer_without_chunks(begun, at_work):
    one, _, claim = begun(version="1.0")

    at_work.finish(claim)

    assert one.rest().endswith("answer Rayleigh.\nend\n")


def test_a_client_that_reads_slowly_gets_longer_pieces(served, at_work, call, in_line, queue):
    one = call(served, stream=True, buffer=4_096)
    in_line(queue)
    claim = at_work.claim()
    piece, count = "x" * 10_000, 1_000
    offset = 0
    for _ in range(count):
        offset = at_work.speak(claim, piece, offset=offset)
    at_work.finish(claim, {"response": piece * count, "done": True})

    assert one.head() == 200
    texts = [chunk.split(" ", 1)[1].rstrip("\n") for chunk in one.chunks() if chunk.startswith("1.")]

    assert "".join(texts) == piece * count
    assert len(texts) < count
