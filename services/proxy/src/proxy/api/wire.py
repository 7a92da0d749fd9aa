"""Answers in JSON."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from pydantic_core import to_json

from proxy.serving.headers import JSON


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write `body` as JSON."""
    return Response(to_json(body), status, headers, content_type=JSON)
