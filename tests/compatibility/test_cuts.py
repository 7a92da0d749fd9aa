"""An answer that is cut off is never taken for whole: a client has all of it, or an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from compatibility.clients import those
from compatibility.cuts import expected, meet, needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from compatibility.runtime import Runtimes
    from compatibility.trial import Trial

PROCESSES = ("official", "node", "go")
SOME = (
    ("no text yet", "worker killed"),
    ("in the text", "worker killed"),
    ("in the text", "error line"),
    ("in the text", "cancelled"),
    ("in the text", "proxy killed"),
    ("in the text", "nginx killed"),
    ("after the last text", "Ollama killed"),
)
"""The others, and the other clients, are met by `make compatibility`, which takes a quarter of an hour for them."""


@pytest.mark.parametrize(("point", "cause"), SOME)
def test_a_client_has_the_whole_answer_or_an_exception(
    build: Callable[..., Trial], runtimes: Runtimes, point: str, cause: str
) -> None:
    trial = build(nginx=True, **needs(point, cause))

    met = meet(trial, runtimes, point, cause, those(processes=PROCESSES))

    assert [(each.client.name, each.streams, each.end.told) for each in met if not expected(point, cause, each)] == []
