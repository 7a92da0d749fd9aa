"""What `make run` and `make demo` understand, and what they print."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import proxy.config
import pytest
import worker.config
from promptqueue.settings import read
from simulator.client import Simulator
from support import ROOT

from local import start

if TYPE_CHECKING:
    from pathlib import Path


def test_an_ipv6_address_may_stand_in_brackets_as_compose_wants_it() -> None:
    for written in ("::1", "[::1]"):
        assert read(proxy.config.Config, {"BIND_ADDRESS": written}).bind_address == "::1"


def test_a_blank_setting_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("BIND_ADDRESS", "PROXY_PORT", "OLLAMA_URLS"):
        monkeypatch.setenv(name, "  ")

    settings = start.settings("run", tmp_path / ".env")

    served, worked = read(proxy.config.Config, settings), read(worker.config.Config, settings)
    assert (served.bind_address, served.proxy_port) == ("127.0.0.1", 8000)
    assert worked.ollama_urls == (("http://127.0.0.1:11434", None),)


def test_no_password_of_ollamas_address_is_printed() -> None:
    port = start.free_port()

    told = start.answers_from(read(worker.config.Config, {"OLLAMA_URLS": f"http://user:p@ssword@127.0.0.1:{port}"}))

    assert f"The Ollama at http://127.0.0.1:{port} does not answer" in told
    assert "ssword" not in told


def test_of_several_ollamas_each_is_told_whether_it_answers() -> None:
    silent = start.free_port()
    with Simulator() as ollama:
        told = start.answers_from(
            read(worker.config.Config, {"OLLAMA_URLS": f"http://127.0.0.1:{silent},{ollama.url}"})
        )

    assert told.splitlines()[:2] == [
        f"from the Ollama at {ollama.url}",
        f"            The Ollama at http://127.0.0.1:{silent} does not answer:",
    ]


@pytest.mark.parametrize(("address", "probed"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.0.0.1", "10.0.0.1")])
def test_the_proxy_is_asked_where_nobody_else_can_answer(address: str, probed: str) -> None:
    assert start.probed(address) == probed


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


def test_a_queue_on_a_server_makes_no_folder_here() -> None:
    assert ROOT / "data" in start.folders_of("sqlite:///data/queue.db")
    assert not start.folders_of("postgresql://host/queue")


@pytest.mark.parametrize("url", ["postgresql://user:p@s3cret@host/queue", "postgresql://a@host/queue?password=s3cret"])
def test_no_password_of_the_queues_server_is_printed(url: str) -> None:
    told = start.words("localhost", 8000, "", url)

    assert "DATABASE_URL=" in told
    assert "@host/queue" in told
    assert "s3cret" not in told


def test_where_the_password_is_in_a_file_the_line_that_looks_into_the_queue_works_as_it_is() -> None:
    url = "postgresql://user@host/queue?password_file=secrets/postgres_password"

    assert f"DATABASE_URL='{url}' .venv/bin/python -m promptqueue status\n" in start.words("localhost", 8000, "", url)


@pytest.mark.parametrize("kind", ["run", "demo"])
def test_the_line_that_looks_into_the_queue_names_the_one_that_is_used(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    database = read(proxy.config.Config, start.settings(kind, tmp_path / ".env")).database_url

    told = start.words("localhost", 8000, "", database)

    named = {"run": "", "demo": "DATABASE_URL=sqlite:///data/demo/queue.db "}[kind]
    assert f"  Queue:    {named}.venv/bin/python -m promptqueue status\n" in told


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (errno.EADDRINUSE, "make PROXY_PORT=8001"),
        (errno.EADDRNOTAVAIL, "10.0.0.1 is no address of this machine. Set BIND_ADDRESS"),
        (errno.EACCES, "Choose one from 1024 on"),
        (errno.ENOBUFS, "cannot be used"),
    ],
)
def test_each_reason_why_it_cannot_listen_has_its_own_remedy(
    code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bind(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("socket.socket.bind", bind)

    with pytest.raises(SystemExit, match=told):
        start.refuse_taken("10.0.0.1", 8000)
    of_metrics = told.replace("PROXY_PORT", "METRICS_PORT").replace("BIND_ADDRESS", "METRICS_ADDRESS")
    with pytest.raises(SystemExit, match=of_metrics):
        start.refuse_taken("10.0.0.1", 8000, ("METRICS_ADDRESS", "METRICS_PORT"))


def test_it_is_offered_to_nobody_else_before_there_is_an_api_key(tmp_path: Path) -> None:
    environment = os.environ | {"BIND_ADDRESS": "0.0.0.0", "DATABASE_URL": f"sqlite:///{tmp_path}/queue.db"}
    environment["PROXY_PORT"] = str(start.free_port())

    run = subprocess.run(
        [sys.executable, "-m", "local.start", "run"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 2, run.stdout
    assert "make a key with python -m promptqueue keys add NAME" in run.stderr
