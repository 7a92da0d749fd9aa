"""The shape that nginx's own refusals have in common with the proxy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.serving.headers import FIXED

if TYPE_CHECKING:
    from support.client import Reply

EXPOSED_HEADERS = {"Location", "Retry-After", "X-Prompt-Id", "X-Served-By", "Date"}  # as the proxy's


def is_error(answer: Reply, status: int, code: str, kind: str) -> None:
    error = answer.json["error"]
    assert (answer.status, error["code"], error["type"]) == (status, code, kind)
    assert set(error) == {"code", "message", "type", "param"}
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED_HEADERS
    assert answer.headers["Cache-Control"] == "no-store"
    assert {name: answer.headers[name] for name in FIXED} == FIXED
