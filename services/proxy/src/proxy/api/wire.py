"""Answers in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic_core import to_json

from proxy.serving.headers import JSON

if TYPE_CHECKING:
    from collections.abc import Mapping


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write `body` as JSON."""
    return Response(to_json(body), status, headers, content_type=JSON)
