"""The sockets of the wake-up: dead ones, full ones, odd messages, and as many prompts as there are."""

import shutil
import socket

import pytest
from promptqueue.notes import Changed, Text
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.host.datagrams import LARGEST_DATAGRAM, DatagramListener, DatagramSender, _address


@pytest.fixture
def journal():
    return "auto"  # all the same here


@pytest.fixture
def unread(queue, wake):
    """A socket that nobody reads, like that of a process which hangs."""
    assert queue.counts().queued == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        with _address(wake / "unread.sock") as address:
            one.bind(address)
        yield one


@pytest.fixture
def dead(wake):
    """The socket of a process that has died."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dying, _address(wake / "dead.sock") as address:
        dying.bind(address)


@pytest.mark.parametrize("number", [1_600, 20_000])
def test_more_prompts_than_a_datagram_names_wake_everybody(queue, listener, number):
    with listener.subscribe("id") as own, listener.subscribe() as everything:
        queue._database.files.sender.changed([f"{n:036}" for n in range(number)])

        assert own.wait(5) == everything.wait(5) == [Changed(None)]


def test_as_many_prompts_as_a_datagram_names_are_named(queue, listener):
    with listener.subscribe() as everything:
        accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(1_000)))
        heard = set()
        while len(heard) < 1_000 and (notes := everything.wait(5)):
            heard |= {note.prompt_id for note in notes}

    assert heard == {one.prompt.id for one in accepted}


def test_the_sockets_of_the_dead_are_cleared_away(ask, wake, listener, dead):
    with listener.subscribe() as everything:
        prompt_id = ask()
        heard = everything.wait(5)

    assert heard == [Changed(prompt_id)]
    assert [path.name for path in wake.iterdir()] == [listener._path.name]


def test_a_socket_that_nobody_reads_delays_no_commit(queue, unread, ask, listener):
    with listener.subscribe() as everything:
        for _ in range(50):  # far more than the kernel queues for a socket
            ask()
        while everything.wait(0.1):
            pass
        last = ask()

        assert everything.wait(5) == [Changed(last)]

    assert queue.counts().queued == 3 + 51
    assert unread.recv(1_000)


def test_a_lost_datagram_is_no_lost_commit(queue, unread, ask):
    unread.setblocking(False)
    ids = [ask() for _ in range(50)]

    heard = []
    with pytest.raises(BlockingIOError):  # noqa: PT012 (it ends when there is no more to read)
        while True:
            heard.append(unread.recv(1_000))

    assert 0 < len(heard) < 50
    assert [queue.position(prompt_id) for prompt_id in ids] == list(range(1, 51))


def test_a_commit_stands_even_when_nobody_can_be_told(another, ask, dead, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.unlink", refuse)

    prompt_id = ask()

    assert another.position(prompt_id) == 1


def test_a_commit_stands_even_when_the_sockets_folder_is_gone(another, ask, wake):
    for path in wake.iterdir():
        path.unlink()
    wake.rmdir()

    prompt_id = ask()

    assert another.position(prompt_id) == 1


@pytest.mark.parametrize(
    "message",
    [
        b"\xff",
        b"{",
        b"[]",
        b"7",
        b'{"moved": ["a"]}',
        b'{"changed": [["a"]]}',
        b'{"changed": [{"id": "a"}]}',
        b'{"text": ["a", 1]}',
        b'{"written": [null]}',
        b'{"text": ["a", 1, -1, "b"]}',
        b"[" * 59_000,
        b'{"changed": ' + b"9" * 50_000 + b"}",
        bytes(range(256)),
    ],
    ids=repr,
)
def test_a_message_of_a_newer_version_means_look_for_yourself(queue, listener, message):
    newer = queue._database.files.sender

    with listener.subscribe("id") as own:
        newer._send(message)
        first = own.wait(5)
        newer._send(b'{"changed": ["id"]}')

        assert [first, own.wait(5)] == [[Changed(None)], [Changed("id")]]


def test_an_empty_datagram_is_nothing(queue, listener):
    odd = queue._database.files.sender

    with listener.subscribe("id") as own:
        odd._send(b"")
        odd._send(b'{"changed": ["id"]}')

        assert own.wait(5) == [Changed("id")]


def test_a_folder_may_lie_as_deep_as_it_likes(tmp_path):
    folder = tmp_path / ("deep" * 20) / ("deeper" * 20)
    folder.mkdir(parents=True)
    wakeup = DatagramSender(folder)

    with DatagramListener(folder) as listener, listener.subscribe("id") as own:
        wakeup.changed(["id"])
        heard = own.wait(5)

    wakeup.close()
    assert heard == [Changed("id")]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("what", ["its socket", "the folder"])
def test_a_listener_whose_socket_was_taken_away_binds_it_again_and_looks(
    queue, storage, tmp_path, eventually, monkeypatch, what
):
    monkeypatch.setattr("promptqueue.sqlite.host.datagrams.LOOK_EVERY", 0.05)
    folder = tmp_path / "wake"

    with storage.listen() as listener, listener.subscribe() as heard:
        [path] = folder.iterdir()
        path.unlink() if what == "its socket" else shutil.rmtree(folder)

        assert heard.wait(20) == [Changed(None)]
        queue._database.files.sender.changed(["id"])
        assert heard.wait(20) == [Changed("id")]

    assert list(folder.iterdir()) == []


def test_text_too_long_for_a_datagram_is_left_to_the_database(queue, storage, begin):
    claim = begin()

    with storage.listen() as listener, listener.subscribe(claim.prompt.id) as own:
        queue.stream_text(claim, "x" * LARGEST_DATAGRAM, offset=0)
        queue.stream_text(claim, "short", offset=LARGEST_DATAGRAM)

        assert own.wait(5) == [Text(claim.prompt.id, 1, LARGEST_DATAGRAM, "short")]


def test_any_number_of_readers_share_one_socket_and_a_closed_listener_takes_it_away(queue, storage, wake):
    listener = storage.listen()
    with listener.subscribe("one"), listener.subscribe("other"), listener.subscribe():
        shared = list(wake.iterdir())

    listener.close()

    assert len(shared) == 1
    assert list(wake.iterdir()) == []
    assert not listener._thread.is_alive()
