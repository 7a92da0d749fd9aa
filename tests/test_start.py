"""What `make run` and `make demo` understand, and what they print."""

from __future__ import annotations

import proxy.config
import pytest
import worker.config
from promptqueue.environment import read

from local import start


def test_an_ipv6_address_may_stand_in_brackets_as_compose_wants_it() -> None:
    for written in ("::1", "[::1]"):
        assert read(proxy.config.Config, {"BIND_ADDRESS": written}).bind_address == "::1"


def test_a_blank_setting_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIND_ADDRESS", "PROXY_PORT", "OLLAMA_URLS"):
        monkeypatch.setenv(name, "  ")

    settings = start.settings("run")

    served, worked = read(proxy.config.Config, settings), read(worker.config.Config, settings)
    assert (served.bind_address, served.proxy_port, worked.ollama_told) == ("127.0.0.1", 8000, "http://127.0.0.1:11434")


@pytest.mark.parametrize("url", ["http://user:p@ssword@ollama:11434", "http://ollama:11434"])
def test_no_password_of_ollamas_address_is_printed(url: str) -> None:
    told = start.words("run", "localhost", 8000, read(worker.config.Config, {"OLLAMA_URLS": url}).ollama_told)

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
