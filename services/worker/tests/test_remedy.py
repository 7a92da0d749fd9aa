"""Each cause of an Ollama that cannot be reached has a remedy of its own."""

from __future__ import annotations

import pytest
from worker.ollama.remedy import remedy

REFUSED, UNKNOWN, TIMED_OUT = "Connection refused", "Name or service not known", "timed out"


@pytest.mark.parametrize(
    ("url", "words", "contained", "told"),
    [
        ("http://127.0.0.1:11434", REFUSED, False, "start it with 'ollama serve'"),
        ("http://localhost:11434", REFUSED, False, "start it with 'ollama serve'"),
        ("http://[::1]:11434", REFUSED, False, "start it with 'ollama serve'"),
        ("http://192.168.0.7:11434", REFUSED, False, "OLLAMA_HOST=0.0.0.0"),
        ("http://192.168.0.7:11434", TIMED_OUT, False, "firewall"),
        ("http://olama.lan:11434", UNKNOWN, False, "correct it in OLLAMA_URLS"),
        ("http://ollama:11434", UNKNOWN, False, "only containers know that name"),
        ("http://host.docker.internal:11434", "Temporary failure in name resolution", False, "only containers know"),
        ("http://127.0.0.1:11434", REFUSED, True, "is the container itself"),
        ("http://localhost:11434", REFUSED, True, "http://host.docker.internal:11434"),
        ("http://0.0.0.0:11434", REFUSED, True, "is the container itself"),
        ("http://ollama:11434", UNKNOWN, True, "OLLAMA_URLS has to name yours"),
        ("http://host.docker.internal:11434", REFUSED, True, "OLLAMA_HOST=0.0.0.0"),
        ("http://10.0.0.7:11434", REFUSED, True, "OLLAMA_HOST=0.0.0.0"),
        ("http://olama.lan:11434", UNKNOWN, True, "correct it in OLLAMA_URLS"),
        ("http://10.0.0.7:11434", "No route to host", True, "firewall"),
        ("https://10.0.0.7:11434", "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", False, "http://"),
        ("https://10.0.0.7:11434", "[SSL: RECORD_LAYER_FAILURE] record layer failure (_ssl.c:1032)", True, "no TLS"),
    ],
)
def test_a_cause_has_its_remedy(url: str, words: str, contained: bool, told: str) -> None:
    said = remedy(url, words, contained=contained)

    assert told in said
    assert "\n" not in said
    assert len(said) <= 200
