"""Files and folders that belong to somebody else: told with the command that helps."""

import os
import shutil
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.storage import connect

NOBODY = 65_534


@pytest.fixture
def journal():
    return "auto"  # all the same here


@pytest.fixture
def folder():
    """A folder that anybody may read; pytest's own are closed to others."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    for each in [path, *path.rglob("*")]:
        each.chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture
def url(folder):
    return f"sqlite:///{folder}/queue.db"


@pytest.fixture
def open_as(url):
    """Open the queue as another user."""

    @contextmanager
    def open_one(user):
        with as_user(user), closing(connect(url).open()) as queue:
            yield queue

    return open_one


@contextmanager
def as_user(number):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.setegid(number)
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def of_nobody(folder, open_as):
    """A queue of an owner who is not the one that runs the tests."""
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    with open_as(NOBODY):
        pass


def test_a_database_of_another_owner_is_told_with_the_command_that_helps(url, folder, open_as):
    connect(url).open().close()

    with pytest.raises(StorageUnavailable) as refused, open_as(NOBODY):
        pass

    command = f"chown -R {NOBODY} {folder}"
    assert str(refused.value).endswith(f"belongs to user 0, so let user {NOBODY} have it and all beside it: {command}.")
    assert os.system(command) == 0
    with open_as(NOBODY):
        pass


def test_a_file_of_another_owner_in_a_folder_of_ones_own_is_told(folder, of_nobody, open_as):
    os.chown(folder / "queue.db", 0, 0)
    (folder / "queue.db").chmod(0o600)

    told = f"{folder}/queue.db belongs to user 0, so let user"
    with pytest.raises(StorageUnavailable, match=told), open_as(NOBODY):
        pass


def test_what_root_makes_beside_the_database_of_another_is_that_ones(url, folder, of_nobody, open_as):
    for lock in folder.glob("*.lock"):
        lock.unlink()

    with closing(connect(url).open()) as by_root:
        with open_as(NOBODY) as by_owner:
            by_owner.pause(True)
        assert by_root.counts().paused


def test_a_folder_that_cannot_be_written_is_told_with_path_and_user(folder, open_as):
    folder.chmod(0o555)

    with pytest.raises(StorageUnavailable) as refused, open_as(NOBODY):
        pass

    assert str(refused.value) == (
        f"The queue's database {folder}/queue.db cannot be used: [Errno 13] Permission denied: '{folder}/use.lock' "
        f"(as user {NOBODY}); {folder} belongs to user 0, so let user {NOBODY} have it and all beside it: "
        f"chown -R {NOBODY} {folder}."
    )
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(folder):
    folder.chmod(0o555)

    with as_user(NOBODY), pytest.raises(StorageUnavailable, match="Permission denied"):
        connect(f"sqlite:///{folder}/below/queue.db").open()


def test_a_file_that_cannot_be_written_can_be_read_and_refuses_the_rest(folder):
    url = f"sqlite:///{folder}/queue.db"
    connect(url, journal_mode="persist").open().close()
    with as_user(0):
        for path in (folder, *folder.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    (folder / "queue.db").chmod(0o444)

    with as_user(NOBODY), closing(connect(url, journal_mode="persist").open()) as queue:
        with pytest.raises(StorageUnavailable, match="readonly"):
            queue.enqueue(NewPrompt(request={}))
        assert queue.counts().queued == 0


@pytest.mark.parametrize("verb", ["register", "listen"])
def test_a_folder_beside_the_database_that_cannot_be_written_is_told(queue, storage, folder, verb):
    (folder / "workers").mkdir(exist_ok=True)
    for name in ("workers", "wake"):
        (folder / name).chmod(0o555)

    with as_user(NOBODY), pytest.raises(StorageUnavailable, match="Permission denied"):
        storage.register(slots=1) if verb == "register" else storage.listen()


def test_a_presence_that_cannot_be_asked_for_is_told(queue, begin, folder):
    begin()
    (folder / "workers").rename(folder / "aside")
    (folder / "workers").touch()

    with pytest.raises(StorageUnavailable):
        queue.recover()

    (folder / "workers").unlink()
    (folder / "aside").rename(folder / "workers")
    assert queue.workers().count == 1
