"""Errors: whatever goes wrong below a face, in neutral words."""

import pytest
from promptqueue import errors as queue_errors
from promptqueue.prompt import ErrorCode
from proxy import errors as refusals
from proxy.calls import errors
from proxy.calls.failure import Kind


def test_every_end_without_an_answer_has_its_kind():
    assert set(errors.ENDED) == set(ErrorCode)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (refusals.InvalidRequest("No."), Kind.INVALID, "invalid_request"),
        (refusals.InvalidJSON("No."), Kind.INVALID, "invalid_json"),
        (refusals.TooLarge("No."), Kind.TOO_LARGE, "too_large"),
        (refusals.NotFound("No."), Kind.NOT_FOUND, "not_found"),
        (refusals.UnsupportedModel("No."), Kind.UNKNOWN_MODEL, "unsupported_model"),
        (refusals.TooManyStreams("No."), Kind.UNAVAILABLE, "too_many_streams"),
        (refusals.Busy("No."), Kind.UNAVAILABLE, "busy"),
    ],
)
def test_what_the_proxy_refuses_keeps_its_words(error, kind, code):
    failure = errors.of_refused(error)

    assert (failure.kind, failure.code, failure.message) == (kind, code, "No.")
    assert failure.retry_after == error.retry_after


@pytest.mark.parametrize(
    ("error", "kind", "retry_after"),
    [
        (queue_errors.PromptNotFound(), Kind.NOT_FOUND, None),
        (queue_errors.PromptDeleted(), Kind.GONE, None),
        (queue_errors.IdempotencyConflict(), Kind.CONFLICT, None),
        (queue_errors.QueueFull(), Kind.FULL, 7),
        (queue_errors.StorageFull(), Kind.UNAVAILABLE, 60),
        (queue_errors.StorageUnavailable("/a/file"), Kind.UNAVAILABLE, 5),
        (queue_errors.CommitUnknown("/a/file"), Kind.UNAVAILABLE, 5),
    ],
)
def test_what_the_queue_refuses_names_no_file(error, kind, retry_after):
    failure = errors.of_queue(error, until_a_place_is_free=lambda: 7)

    assert (failure.kind, failure.code, failure.retry_after) == (kind, error.code, retry_after)
    assert "/a/file" not in failure.message


def test_of_a_commit_that_may_have_happened_nobody_says_that_nothing_was_changed():
    failure = errors.of_queue(queue_errors.CommitUnknown(), until_a_place_is_free=lambda: 7)

    assert "nothing was changed" not in failure.message
    assert "Idempotency-Key" in failure.message


def test_what_only_a_bug_can_cause_is_no_refusal():
    assert errors.of_queue(queue_errors.ClaimLost(), until_a_place_is_free=lambda: 7) is None


def test_a_bug_is_a_mistake_and_stands_in_the_log(tiny_app, queue, monkeypatch, caplog):
    app = tiny_app()
    monkeypatch.setattr("tiny.TinyWriter.__init__", lambda *_: 1 / 0)

    answer = app.test_client().post("/tiny", json={})

    assert (answer.status_code, answer.text.partition(":")[0]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text
    assert queue.counts().queued == 0  # nobody holds the call, so nobody waits


def test_a_bug_after_the_first_byte_is_told_too(asking, queued, worker, monkeypatch, caplog):
    monkeypatch.setattr("tiny.TinyWriter.ending", lambda *_, **__: 1 / 0)
    call = asking(stream=True)
    queued()
    worker.answer()

    assert call.result.text == "open\n1.0 Rayleigh.\nfailure internal_error\n"
    assert "ZeroDivisionError" in caplog.text


def test_nobody_is_told_to_come_again_later_than_in_a_minute(tiny_app):
    answer = tiny_app(min_free_bytes=2**60).test_client().post("/tiny", json={})

    assert (answer.status_code, answer.headers["Retry-After"], answer.headers["x-should-retry"]) == (503, "59", "true")
    assert answer.text.startswith("storage_full: ")


def test_what_a_client_has_sent_is_not_repeated_to_it_by_the_megabyte():
    whole, cut = (errors.InvalidAsked("x" * length).failure.message for length in (1_000, 1_001))

    assert (whole, cut) == ("x" * 1_000, "x" * 999 + "…")
