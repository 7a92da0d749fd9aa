"""Few file descriptors: streams are refused before they run out, and everybody else is served."""

import contextlib
import socket

import pytest
from proxy.serving import descriptors
from proxy.serving.descriptors import OWN

FEW = 300


@pytest.mark.parametrize(
    ("granted", "asked", "connections", "streams"),
    [(65_536, 5_000, 10_000, 5_000), (65_536, 10_000, 10_000, 9_744), (1_024, 5_000, 896, 784), (1_024, 10, 896, 10),
     (64, 5_000, 2, 1)],
)  # fmt: skip
def test_connections_and_streams_follow_what_is_granted(monkeypatch, granted, asked, connections, streams):
    monkeypatch.setattr(descriptors, "raised", lambda: granted)

    caps = descriptors.caps(asked)

    assert (caps.connections, caps.streams) == (connections, streams)
    assert (caps.lowered(asked) is None) is ((connections, streams) == (10_000, asked))


@pytest.mark.parametrize("kind", ["gevent", "threads"])
def test_with_few_descriptors_streams_are_refused_and_others_are_served(serve, kind):
    server = serve(kind, descriptors=FEW)
    path = f"/api/v1/prompt/{server.submit()}/events"
    held, told = server.get("/api/v1/queue").json["limits"]["max_streams"], []

    with contextlib.ExitStack() as opened:
        for _ in range(FEW):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            told.append(one.recv(12)[9:])
        refused = server.get(path)

        assert told == [b"200"] * held + [b"503"] * (FEW - held)
        assert (refused.status, refused.code) == (503, "too_many_streams")
        assert server.get("/healthz").status == 200
        assert server.post("/api/v1/prompt", {"prompt": "Am I served?"}).status == 202

    assert 0 < held < FEW - OWN
    assert server.log.count(f"connections limited descriptors={FEW} connections={FEW - OWN} max_streams={held}") == 1
    assert server.traceback == ""
