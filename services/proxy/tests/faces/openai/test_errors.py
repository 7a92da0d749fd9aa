from __future__ import annotations

import pytest
from proxy.calls.failure import Failure, Kind
from proxy.faces.openai import errors

WORDS = [
    (Kind.INVALID, 400, "invalid_request_error"),
    (Kind.REFUSED, 400, "invalid_request_error"),
    (Kind.TOO_LONG, 400, "invalid_request_error"),
    (Kind.TOO_LARGE, 413, "invalid_request_error"),
    (Kind.UNKNOWN_MODEL, 404, "not_found_error"),
    (Kind.NOT_FOUND, 404, "not_found_error"),
    (Kind.WRONG_METHOD, 405, "invalid_request_error"),
    (Kind.MISDIRECTED, 421, "invalid_request_error"),
    (Kind.UNAUTHORIZED, 401, "invalid_request_error"),
    (Kind.FORBIDDEN, 403, "invalid_request_error"),
    (Kind.CONFLICT, 400, "invalid_request_error"),
    (Kind.GONE, 410, "server_error"),
    (Kind.FULL, 429, "rate_limit_error"),
    (Kind.QUOTA, 429, "rate_limit_error"),
    (Kind.UNAVAILABLE, 503, "server_error"),
    (Kind.UNSUPPORTED, 501, "api_error"),
    (Kind.FAILED, 500, "server_error"),
    (Kind.MISTAKE, 500, "server_error"),
]


def failed(kind, **fields):
    return Failure(kind=kind, **{"code": "its_own", "message": "Something is wrong.", **fields})


def test_every_kind_of_failure_has_its_words():
    assert {kind for kind, _, _ in WORDS} == set(Kind)


@pytest.mark.parametrize(("kind", "status", "type_"), WORDS)
def test_a_failure_has_the_status_and_the_type_that_clients_look_for(kind, status, type_):
    failure = failed(kind, param="messages")

    assert errors.status_of(failure) == status
    said = errors.body_of(failure)
    assert list(said) == ["error"]
    assert list(said["error"]) == ["message", "type", "param", "code"]
    assert said["error"] | {"code": None} == {
        "message": "Something is wrong.",
        "type": type_,
        "param": "messages",
        "code": None,
    }


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.TOO_LONG, "context_length_exceeded"),
        (Kind.UNKNOWN_MODEL, "model_not_found"),
        (Kind.UNAUTHORIZED, "invalid_api_key"),
        (Kind.GONE, "its_own"),
        (Kind.FULL, "its_own"),
    ],
)
def test_a_code_is_the_one_that_clients_know_else_our_own(kind, code):
    assert errors.body_of(failed(kind))["error"]["code"] == code


def test_nothing_is_answered_with_a_status_that_clients_send_again_in_vain():
    assert not {409, 422} & {errors.status_of(failed(kind)) for kind in Kind}
