"""What `make run` and `make demo` understand, and what they print."""

from __future__ import annotations

import pytest

from local import start


def test_an_ipv6_address_may_stand_in_brackets_as_compose_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for written in ("::1", "[::1]"):
        monkeypatch.setenv("BIND_ADDRESS", written)

        assert start.settings("run")["BIND_ADDRESS"] == "::1"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "localhost"),
        ("::", "localhost"),
        ("::1", "[::1]"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_the_address_that_is_told_is_one_for_a_browser(address: str, host: str) -> None:
    assert start.reachable(address) == host
