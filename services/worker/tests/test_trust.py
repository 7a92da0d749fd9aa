"""An Ollama behind TLS is trusted on the word of whom the operator names, and of nobody else."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import Outcome
from worker.ollama.call_end import EndKind, OllamaFailed
from worker.ollama.client import Ollama
from worker.ollama.plug import Plug


def openssl(*arguments):
    command = shutil.which("openssl")
    assert command, "openssl is needed to make a certificate: apt-get install openssl"
    subprocess.run([command, *map(str, arguments)], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with an authority of a house's own, and a certificate for localhost that it has signed."""
    folder = tmp_path_factory.mktemp("authority")
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(*new, "-x509", "-days", 3650, "-subj", "/CN=House", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    openssl(*new, "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "request.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    signing = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", folder / "names")
    openssl("x509", "-req", "-in", folder / "request.pem", "-days", 3650, *signing, "-out", folder / "cert.pem")
    return folder


@pytest.fixture
def tls(ollama, authority):
    """The simulator's address behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "cert.pem", authority / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=relay, args=(listening, context, ollama.port), daemon=True).start()
        yield f"https://localhost:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def relay(listening, context, port):
    with contextlib.suppress(OSError):
        while True:
            outside, _ = listening.accept()
            threading.Thread(target=join, args=(outside, context, port), daemon=True).start()


def join(connection, context, port):
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(connection, server_side=True) as outside,
        socket.create_connection(("127.0.0.1", port)) as inside,
    ):
        there = threading.Thread(target=pump, args=(outside, inside), daemon=True)
        there.start()
        pump(inside, outside)
        there.join()


def pump(reading, writing):
    with contextlib.suppress(OSError, ValueError):
        while piece := reading.recv(65536):
            writing.sendall(piece)
    for each in (reading, writing):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("variable", ["OLLAMA_CA_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_prompt_is_answered_over_tls_by_whom_the_operator_trusts(spawn, tls, authority, ask, completed, variable):
    spawn(OLLAMA_URLS=tls, **{variable: authority / "ca.pem"})

    assert completed(ask("Hi")).outcome is Outcome.SUCCEEDED


def test_a_file_that_is_named_counts_for_more_than_the_usual_variables(spawn, tls, authority, ask, completed):
    elsewhere = authority / "nobody.pem"
    spawn(OLLAMA_URLS=tls, OLLAMA_CA_FILE=authority / "ca.pem", REQUESTS_CA_BUNDLE=elsewhere, SSL_CERT_FILE=elsewhere)

    assert completed(ask("Hi")).outcome is Outcome.SUCCEEDED


def test_whom_nobody_named_is_not_trusted_and_the_words_say_what_to_do(worker, tls, queue, model_is):
    worker(OLLAMA_URLS=tls)

    model_is(ModelState.UNREACHABLE, within=20)

    said = queue.model().detail
    assert "its certificate is not trusted (unable to get local issuer certificate)" in said
    assert "OLLAMA_CA_FILE" in said


def test_another_name_than_the_certificates_is_not_trusted(tls, authority):
    ollama = Ollama(tls.replace("localhost", "127.0.0.1"), connect_timeout=5, ca_file=str(authority / "ca.pem"))

    with pytest.raises(OllamaFailed) as failed:
        ollama.version()

    assert failed.value.end.kind is EndKind.NOT_CONNECTED
    assert "not valid for '127.0.0.1'" in failed.value.end.cause


@pytest.mark.parametrize("content", [b"", b"no certificate", None], ids=["empty", "text", "gone"])
def test_a_file_without_certificates_is_named(tls, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(OllamaFailed) as failed:
        Ollama(tls, connect_timeout=5, ca_file=str(path)).version()

    assert failed.value.end.kind is EndKind.NOT_CONNECTED
    assert f"{path} holds no certificates that could be trusted" in failed.value.end.cause


def test_a_call_over_tls_ends_at_once_when_its_plug_is_pulled(tls, ollama, authority):
    ollama.fault("hang_before_first_token")
    plug, ended = Plug(), []

    def call():
        body = {"model": "llama3.2", "prompt": "Hi"}
        try:
            list(Ollama(tls, connect_timeout=5, ca_file=str(authority / "ca.pem")).stream("/api/generate", body, plug))
        except OllamaFailed as failed:
            ended.append(failed.end.kind)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    ollama.wait_for("started", 1)
    start = time.monotonic()
    plug.pull()
    thread.join(10)

    assert ended == [EndKind.BROKEN]
    assert time.monotonic() - start < 5
    assert ollama.wait_for_end(1)["end"] == "client_closed"


def test_a_handshake_that_does_not_end_keeps_nobody_longer_than_a_question_may_take(authority):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}"
        start = time.monotonic()
        with pytest.raises(OllamaFailed):
            Ollama(url, connect_timeout=60, probe_timeout=0.5, ca_file=str(authority / "ca.pem")).version()

    assert time.monotonic() - start < 10
