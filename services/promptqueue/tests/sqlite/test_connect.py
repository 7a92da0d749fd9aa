"""From a DATABASE_URL to a file."""

import os
from pathlib import Path

import pytest
from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.storage import path_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////data/queue.db", "/data/queue.db"),
        ("sqlite:///data/queue.db", "data/queue.db"),
        ("sqlite:///queue.db", "queue.db"),
        ("SQLITE:////data/queue.db", "/data/queue.db"),
        ("sqlite:////data/with space/ü.db", "/data/with space/ü.db"),
    ],
)
def test_a_url_names_a_file(url, path):
    assert path_of(url) == Path(path)


NO_QUEUES = [
    "queue.db",
    "/data/queue.db",
    "sqlite:",
    "sqlite://",
    "sqlite:///",
    "sqlite://data/queue.db",
    "sqlite://host/data/queue.db",
    "sqlite:///:memory:",
    "sqlite:////data/queue.db?mode=ro",
    "sqlite:////data/queue.db#part",
    "mysql://host/queue",
    "postgresql+psycopg://host/queue",
    "postgres:/host",
    "file:///data/queue.db",
]


@pytest.mark.parametrize("url", ["", *NO_QUEUES])
def test_a_url_that_names_no_queue_is_refused_in_a_sentence(url):
    with pytest.raises(ValueError, match="DATABASE_URL") as refused:
        connect(url).open()

    others = "" if url.startswith("sqlite:") else " or postgresql://user@host/database"
    assert str(refused.value) == f"DATABASE_URL must look like sqlite:////data/queue.db{others}, got {url!r}."


def test_the_file_is_made_in_a_folder_that_is_for_its_owner_alone(tmp_path):
    umask = os.umask(0)
    try:
        connect(f"sqlite:///{tmp_path}/deep/deeper/queue.db").open().close()
    finally:
        os.umask(umask)

    assert (tmp_path / "deep/deeper/queue.db").is_file()
    assert (tmp_path / "deep/deeper").stat().st_mode & 0o777 == 0o700


def test_a_relative_path_is_below_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    connect("sqlite:///data/queue.db").open().close()

    assert (tmp_path / "data/queue.db").is_file()


def test_a_folder_is_no_queue(tmp_path):
    with pytest.raises(StorageUnavailable, match="cannot be used"):
        connect(f"sqlite:///{tmp_path}").open()


def test_whoever_opens_to_read_waits_for_no_writer(open_queue):
    holding = open_queue()

    with holding.transaction():
        holding.pause(True)

        assert open_queue(lock_timeout=0.05).counts().queued == 0


def test_strangers_on_the_machine_cannot_read_the_queue(ask, tmp_path):
    ask()

    modes = {each.name: each.stat().st_mode for each in tmp_path.glob("queue.db*")}

    assert len(modes) > 1
    assert [name for name, mode in modes.items() if mode & 0o007] == []


def test_the_clock_is_the_kernels_unless_another_is_handed_in(url, clock):
    queue, by_hand = connect(url).open(), connect(url, clock=clock).open()

    times = [one.enqueue(NewPrompt(request={}))[0].prompt.created_at for one in (queue, by_hand)]

    queue.close()
    by_hand.close()
    assert times[0] > 1.7e9 + 86_400
    assert times[1] == clock.wall()


def test_a_closed_queue_leaves_nothing_open(url, tmp_path, open_below):
    queue = connect(url).open()
    during = open_below(tmp_path)

    queue.close()

    assert during
    assert open_below(tmp_path) == []
