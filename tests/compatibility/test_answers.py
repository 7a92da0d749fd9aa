"""Every client has the answers that it would have of the server that it was made for, directly and through nginx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from compatibility.answers import QUESTIONS, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from compatibility.runtime import Runtimes
    from compatibility.trial import Trial

THROUGH_NGINX = ("whole answer", "streamed answer", "streamed tool call")


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_client_is_answered(build: Callable[..., Trial], runtimes: Runtimes, name: str) -> None:
    trial = build(nginx=True)

    found = ask(trial, runtimes, name, trial.url)

    assert {client.name: had for client, had in found.items() if had != "right"} == {}


@pytest.mark.parametrize("name", THROUGH_NGINX)
def test_every_client_is_answered_through_nginx(build: Callable[..., Trial], runtimes: Runtimes, name: str) -> None:
    trial = build(nginx=True)

    found = ask(trial, runtimes, name, trial.front)

    assert {client.name: had for client, had in found.items() if had != "right"} == {}
