"""What `make run` and `make demo` understand, and what they print."""

from __future__ import annotations

import pytest

from local import start


def test_an_ipv6_address_may_stand_in_brackets_as_compose_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for written in ("::1", "[::1]"):
        monkeypatch.setenv("BIND_ADDRESS", written)

        assert start.settings("run")["BIND_ADDRESS"] == "::1"


def test_a_blank_setting_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("BIND_ADDRESS", "PROXY_PORT", "OLLAMA_URLS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    unset = start.settings("run")
    for name in names:
        monkeypatch.setenv(name, "  ")

    blank = start.settings("run")

    assert {name: blank[name] for name in names} == {name: unset[name] for name in names}


@pytest.mark.parametrize("url", ["http://user:p@ss/word@ollama:11434", "http://ollama:11434"])
def test_no_password_of_ollamas_address_is_printed(url: str) -> None:
    told = start.words("run", "localhost", 8000, {"OLLAMA_URLS": url})

    assert "  Answers:  from the Ollama at http://ollama:11434\n" in told


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
