"""What `make run` and `make demo` take from .env, which Compose reads as well."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import proxy.config
import pytest
import worker.config
from promptqueue.settings import read
from support import ROOT

from local import start
from local.settings import Misread, merged

if TYPE_CHECKING:
    from pathlib import Path


def taken(file: Path, text: str, **environment: str) -> dict[str, str]:
    file.write_text(text)
    return merged(environment, file)[0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_what_is_not_there_says_nothing(file: Path) -> None:
    assert merged({"PATH": "/bin"}, file) == ({"PATH": "/bin"}, [])


def test_a_setting_is_read_as_compose_reads_it(file: Path) -> None:
    text = """
        # a comment
        PROXY_PORT=8001  # another
        export LOG_LEVEL='debug'
        OLLAMA_URLS="http://gpu:11434"
        OLLAMA_MODEL=${MODEL:-llama3.2:1b}
    """

    settings = taken(file, text)

    assert settings == {
        "PROXY_PORT": "8001",
        "LOG_LEVEL": "debug",
        "OLLAMA_URLS": "http://gpu:11434",
        "OLLAMA_MODEL": "llama3.2:1b",
    }


@pytest.mark.parametrize("value", ["9000", ""])
def test_the_environment_wins(file: Path, value: str) -> None:
    assert taken(file, "PROXY_PORT=8001", PROXY_PORT=value) == {"PROXY_PORT": value}


def test_what_no_process_of_ours_reads_stays_out(file: Path) -> None:
    assert taken(file, "COMPOSE_PROFILES=gpu-nvidia\nFRONTEND_PORT=8081\nPATH=/nowhere") == {}


def test_a_copy_of_the_example_changes_nothing(file: Path) -> None:
    shutil.copy(ROOT / ".env.example", file)

    settings, passed_over = merged({}, file)

    for config in (proxy.config.Config, worker.config.Config):
        assert read(config, settings) == config()
    assert passed_over == ["DATABASE_URL", "OLLAMA_URLS"]


@pytest.mark.parametrize("url", ["http://ollama:11434", "http://user:secret@host.docker.internal:8080"])
def test_an_address_that_only_containers_know_is_passed_over(file: Path, url: str) -> None:
    file.write_text(f"OLLAMA_URLS={url}")

    assert merged({}, file) == ({}, ["OLLAMA_URLS"])
    assert merged({"OLLAMA_URLS": url}, file) == ({"OLLAMA_URLS": url}, [])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PROXY_PORT=8001\nOLLAMA_URLS http://user:secret@gpu\n", "Line 2 of .*env is not understood"),
        (b"LOG_LEVEL='debug\n", "Line 1 of .*env is not understood"),
        ("PROXY_PORT=8001".encode("utf-16"), "is no text in UTF-8"),
        ("PROXY_PORT=8001".encode("utf-16-le"), "is no text in UTF-8"),
    ],
)
def test_what_is_not_understood_ends_it_with_a_sentence(
    file: Path, content: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(content)

    with pytest.raises(SystemExit) as ended:
        start.settings("run", file)

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "secret" not in said
    with pytest.raises(Misread, match=told):
        merged({}, file)


def test_a_byte_order_mark_is_skipped(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfPROXY_PORT=8001")

    assert merged({}, file)[0] == {"PROXY_PORT": "8001"}


def test_what_cannot_be_read_is_told(file: Path) -> None:
    file.mkdir()

    with pytest.raises(Misread, match=r"cannot be read \(Is a directory\)"):
        merged({}, file)
