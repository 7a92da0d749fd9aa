"""Configuration is understood or refused in words, all of it at once."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from promptqueue.settings import Misconfigured, read, without_secrets
from worker.config import Config


def test_the_defaults_need_no_environment():
    config = read(Config, {})

    assert config.ollama_urls == (("http://127.0.0.1:11434", None),)
    assert (config.ollama_model, config.ollama_pull, config.max_tokens) == ("llama3.2", "auto", 2048)
    assert (config.lease_seconds, config.max_failures, config.worker_concurrency) == (15, 3, 1)
    assert (config.connect_timeout, config.first_byte_timeout, config.idle_timeout) == (5, 900, 120)
    assert (config.prompt_timeout, config.drain_seconds, config.retention_days) == (3600, 20, 30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://here"),
        ("OLLAMA_URLS", "ollama:11434"),
        *(("OLLAMA_URLS", f"http://a:11434,{again}") for again in ("http://a:11434", "http://u:p@A:11434/?slots=2")),
        *(
            ("OLLAMA_URLS", f"{one},{again}")
            for one, again in (("http://a", "http://a:80"), ("https://a:443", "https://A:"))
        ),
        ("OLLAMA_URLS", "http://user:20/word@a:11434"),
        *(
            ("OLLAMA_URLS", f"http://a:11434?{query}")
            for query in ("slots=", "slots=0", "slots=65", "slots=-1", "slots=two", "slots=1\N{ARABIC-INDIC DIGIT TWO}")
        ),
        *(("OLLAMA_URLS", f"http://a:11434?{query}") for query in ("slots=2&key=1", "slot=2", "slots=2?slots=3")),
        *(("OLLAMA_URLS", f"http://a:11434{path}") for path in ("/v1", "/v1/", "/api", "/api/", "/api/generate")),
        *(("OLLAMA_URLS", f"http://a/gateway{path}") for path in ("/v1/chat/completions", "/api/tags", "//api")),
        *(("OLLAMA_URLS", f"http://a:11434{rest}") for rest in ("?key=1", "/#top", "/a path")),
        ("OLLAMA_PULL", "always"),
        ("OLLAMA_MODEL", "llama 3.2"),
        ("WORKER_CONCURRENCY", "0"),
        ("LEASE_SECONDS", "soon"),
        ("PROMPT_TIMEOUT", "inf"),
        ("FIRST_BYTE_TIMEOUT", "29"),
        ("PROBE_TIMEOUT", "11"),
        ("UPSTREAM_PATIENCE", "-1"),
        ("IDLE_TIMEOUT", "nan"),
        *((name, "1e300") for name in ("RETENTION_DAYS", "LEASE_SECONDS", "DRAIN_SECONDS")),
        *((f"{name}_TIMEOUT", "1e300") for name in ("CONNECT", "FIRST_BYTE", "IDLE", "PROMPT")),
        ("WORKER_CONCURRENCY", "9223372036854775808"),
        ("MAX_FAILURES", "9223372036854775808"),
        ("MAX_TOKENS", "2147483648"),
    ],
)
def test_a_value_that_is_not_understood_is_named_with_what_is_expected(name, value):
    with pytest.raises(Misconfigured, match=f"^{name} must be .*, got '{re.escape(without_secrets(value))}'"):
        read(Config, {name: value})


@pytest.mark.parametrize(
    "path", ["", "/", "/ollama", "/api/ollama", "/v1/ollama/", "/apis", "/v1beta", "/rapi", "/team-v1"]
)
def test_a_path_before_ollamas_own_is_accepted(path):
    read_urls = read(Config, {"OLLAMA_URLS": f"https://gateway{path}"}).ollama_urls

    assert read_urls == ((f"https://gateway{path.rstrip('/')}", None),)


def test_each_server_may_say_how_many_slots_it_has():
    value = "http://a:11434?slots=2, http://user:word@b:11434/,https://c/ollama/?slots=64"

    assert read(Config, {"OLLAMA_URLS": value}).ollama_urls == (
        ("http://a:11434", 2),
        ("http://user:word@b:11434", None),
        ("https://c/ollama", 64),
    )


@pytest.mark.parametrize("program", ["worker", "worker.main", "worker.janitor", "worker.config"])
def test_a_process_ends_with_a_sentence_for_each_variable(program, environ):
    environ |= {"MAX_TOKENS": "many", "DRAIN_SECONDS": "-1"}

    ended = subprocess.run(
        [sys.executable, "-m", program], env=environ, capture_output=True, text=True, timeout=20, check=False
    )

    assert ended.returncode == 2
    assert [line.split()[0] for line in ended.stderr.splitlines()] == ["MAX_TOKENS", "DRAIN_SECONDS"]
