"""What the storage refuses becomes StorageUnavailable, changes nothing, and passes."""

import os
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.errors import QueueFull, StorageUnavailable
from promptqueue.prompt import Answered, NewPrompt, Terms
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect

NOBODY = 65_534
TABLES = ("prompts", "requests", "answers", "partials", "idempotency_keys", "counters", "line", "control", "models")
LARGE = NewPrompt(request={"prompt": "x" * 3_000_000})


@contextmanager
def as_nobody():
    """Give up root's right to write everywhere, where there is one."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


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
def everything(url):
    """All that the database holds."""

    def dump():
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}

    return dump


def test_a_folder_that_cannot_be_written_is_told_with_path_and_user(folder):
    folder.chmod(0o555)

    with as_nobody(), pytest.raises(StorageUnavailable) as refused:
        connect(f"sqlite:///{folder}/queue.db").open()

    user = NOBODY if os.getuid() == 0 else os.getuid()
    whose = "belongs to user 0" if os.getuid() == 0 else "may not be written by anybody"
    assert str(refused.value) == (
        f"The queue's database {folder}/queue.db cannot be used: [Errno 13] Permission denied: '{folder}/use.lock' "
        f"(as user {user}); {folder} {whose}, so let user {user} have it and all beside it: chown -R {user} {folder}."
    )
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(folder):
    folder.chmod(0o555)

    with as_nobody(), pytest.raises(StorageUnavailable, match="Permission denied"):
        connect(f"sqlite:///{folder}/below/queue.db").open()


def test_a_file_that_cannot_be_written_can_be_read_and_refuses_the_rest(folder):
    connect(f"sqlite:///{folder}/queue.db", journal_mode="persist").open().close()
    for path in (folder, *(folder / name for name in ("wake", "turn.lock", "main.lock", "use.lock"))):
        path.chmod(0o777)
    (folder / "queue.db").chmod(0o444)

    with as_nobody():
        queue = connect(f"sqlite:///{folder}/queue.db", journal_mode="persist").open()
        with pytest.raises(StorageUnavailable, match="readonly"):
            queue.enqueue(NewPrompt(request={}))
        queued = queue.counts().queued
        queue.close()

    assert queued == 0


@pytest.mark.parametrize("verb", ["register", "listen"])
def test_a_folder_beside_the_database_that_cannot_be_written_is_told(folder, verb):
    storage = connect(f"sqlite:///{folder}/queue.db")
    queue = storage.open()
    (folder / "workers").mkdir(exist_ok=True)
    for name in ("workers", "wake"):
        (folder / name).chmod(0o555)

    with as_nobody(), pytest.raises(StorageUnavailable, match="Permission denied"):
        storage.register(slots=1) if verb == "register" else storage.listen()

    queue.close()


def test_a_presence_that_cannot_be_asked_for_is_told(queue, ask, terms, tmp_path):
    ask()
    queue.claim(terms)
    folder = tmp_path / "workers"
    folder.rename(tmp_path / "aside")
    folder.touch()

    with pytest.raises(StorageUnavailable):
        queue.recover()

    folder.unlink()
    (tmp_path / "aside").rename(folder)
    assert queue.workers().count == 1


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(url, tmp_path, journal):
    (tmp_path / "queue.db").write_bytes(b"my diary, volume one\n" * 1_000)

    with pytest.raises(StorageUnavailable, match="not a database"):
        connect(url, journal_mode=journal).open()

    assert (tmp_path / "queue.db").read_bytes() == b"my diary, volume one\n" * 1_000


def test_a_damaged_database_is_told(queue, storage, ask, open_queue, tmp_path):
    for n in range(50):
        ask(f"{n}" * 500)
    storage.tidy()
    whole = (tmp_path / "queue.db").read_bytes()
    (tmp_path / "queue.db").write_bytes(whole[:4_096] + b"\xff" * (len(whole) - 4_096))

    with pytest.raises(StorageUnavailable, match="malformed"):
        open_queue().counts()


# ---- locked ---------------------------------------------------------------------------------------------------------


@contextmanager
def locked_by_a_stranger(url):
    """Hold the database's lock as a program does that knows nothing of turns, such as the sqlite3 shell."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        yield
        stranger.execute("ROLLBACK")


VERBS = {
    "enqueue": lambda queue, _: queue.enqueue(NewPrompt(request={})),
    "cancel": lambda queue, claim: queue.cancel(claim.prompt.id),
    "delete": lambda queue, claim: queue.delete(claim.prompt.id),
    "claim": lambda queue, claim: queue.claim(claim.terms),
    "renew": lambda queue, claim: queue.renew(claim),
    "write": lambda queue, claim: queue.write(claim, "late", offset=3, tokens=2),
    "finish": lambda queue, claim: queue.finish(claim, Answered(record={}, tokens=1)),
    "release": lambda queue, claim: queue.release(claim),
    "settle": lambda queue, claim: queue.settle(claim.prompt.id),
    "recover": lambda queue, _: queue.recover(),
    "prune": lambda queue, _: queue.prune(older_than=-1),
    "describe_model": lambda queue, claim: queue.describe_model(
        Model(name="llama3.2", state=ModelState.READY), worker=claim.terms.worker, server="http://ollama:11434"
    ),
    "pause": lambda queue, _: queue.pause(True),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("by", ["a stranger", "one of ours"])
def test_a_verb_that_cannot_get_the_lock_changes_nothing_and_works_again_later(
    queue, open_queue, ask, terms, answered, clock, url, everything, verb, by
):
    waiting = open_queue(lock_timeout=0.05)
    ask()
    queue.finish(queue.claim(terms), answered)
    ask()
    claim = queue.claim(terms)
    queue.write(claim, "Ray", offset=0, tokens=1)
    ask(expires_in=1)
    ask()
    clock.advance(2)
    before = everything()

    with queue.transaction() if by == "one of ours" else locked_by_a_stranger(url), pytest.raises(StorageUnavailable):
        VERBS[verb](waiting, claim)
    after = everything()
    VERBS[verb](waiting, claim)

    assert after == before
    assert verb == "settle" or everything() != before


def test_whoever_gave_up_does_not_keep_the_lock(open_queue, ask, url):
    waiting = open_queue(lock_timeout=0.05)

    with locked_by_a_stranger(url), pytest.raises(StorageUnavailable):
        waiting.pause(True)

    ask()
    assert waiting.counts().queued == 1


def test_a_reader_of_a_log_never_meets_a_lock_and_elsewhere_is_told(open_queue, ask, url, journal):
    prompt_id, reading = ask(), open_queue(lock_timeout=0.05)

    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as stranger:
        stranger.execute("BEGIN EXCLUSIVE")
        if journal == "wal":
            assert reading.get(prompt_id).id == prompt_id
        else:
            with pytest.raises(StorageUnavailable, match="locked"):
                reading.get(prompt_id)
        stranger.execute("ROLLBACK")

    assert reading.get(prompt_id).id == prompt_id


# ---- full -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["a page limit", "a full disk"])
def full(request, tmp_path, journal, clock):
    """A queue whose storage has no room for a large prompt, and what makes room."""
    if request.param == "a page limit":
        queue = connect(f"sqlite:///{tmp_path}/queue.db", journal_mode=journal, clock=clock).open()
        queue._database.run("PRAGMA max_page_count = 100")
        yield queue, lambda: queue._database.run("PRAGMA max_page_count = 100000")
        queue.close()
        return
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        queue = connect(f"sqlite:///{disk}/queue.db", journal_mode=journal, clock=clock).open()
        yield queue, lambda: subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        queue.close()
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_refuses_changes_nothing_and_passes(full):
    queue, make_room = full
    [small] = queue.enqueue(NewPrompt(request={"prompt": "small"}))

    with pytest.raises(StorageUnavailable, match="full"):
        queue.enqueue(NewPrompt(request={}), LARGE)
    queued_while_full = queue.counts().queued
    request = queue.request(small.prompt.id)
    make_room()
    queue.enqueue(NewPrompt(request={}), LARGE)

    assert (queued_while_full, request, queue.counts().queued) == (1, {"prompt": "small"}, 3)


def test_a_full_disk_in_a_shared_commit_commits_no_half(full):
    queue, make_room = full
    presence = connect(f"sqlite:///{queue._database.path}").register(slots=1)
    [first] = queue.enqueue(NewPrompt(request={"prompt": "first"}))
    later = []

    def share():
        with queue.transaction():
            queue.claim(Terms(worker=presence.id))
            try:
                queue.enqueue(LARGE)
            except StorageUnavailable:
                later.append("refused")
            queue.enqueue(NewPrompt(request={"prompt": "later"}))

    with pytest.raises(StorageUnavailable):
        share()
    while_full = (queue.get(first.prompt.id).status, queue.counts().queued)
    make_room()
    share()

    assert while_full == ("queued", 1)
    assert (queue.get(first.prompt.id).status, queue.counts().queued) == ("processing", 2)
    presence.leave()


def test_no_verb_half_commits_after_sqlite_gave_the_transaction_up(queue, another, ask):
    waiting = ask()

    def share():
        with queue.transaction():
            queue.cancel(waiting)
            queue._database.run("ROLLBACK")  # as SQLite itself does, when a disk is full in the wrong moment
            with pytest.raises(StorageUnavailable, match=r"given up because of an earlier error\.$"):
                ask()

    with pytest.raises(StorageUnavailable):
        share()

    assert another.position(waiting) == 1
    assert another.counts().queued == 1
    ask()
    assert another.counts().queued == 2


def test_a_refusal_that_is_no_fault_of_the_storage_is_not_its_own(queue, ask):
    with pytest.raises(QueueFull), queue.transaction():
        queue.enqueue(NewPrompt(request={}), max_queued=0)

    with pytest.raises(sqlite3.IntegrityError):
        queue._database.run("INSERT INTO counters (status, priority) VALUES ('queued', 'batch')")

    assert ask()


def test_a_database_that_was_moved_away_from_its_log_is_not_made_anew(url, tmp_path):
    path = Path(url.removeprefix("sqlite:///"))
    running = connect(url, journal_mode="wal").open()
    running.enqueue(NewPrompt(request={"prompt": "Why?"}))
    path.rename(path.with_name("elsewhere"))

    with pytest.raises(StorageUnavailable, match=r"it is not there, but its log queue.db-wal is"):
        connect(url).open()

    path.with_name("elsewhere").rename(path)
    with closing(connect(url).open()) as another:
        assert another.counts().queued == 1
    running.close()


@pytest.mark.parametrize("version", [0, 3])
def test_the_database_of_another_program_is_left_as_it_is(tmp_path, version):
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE birds (name)")
        theirs.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()

    with pytest.raises(StorageUnavailable, match="is the database of another program"):
        connect(f"sqlite:///{path}").open()

    assert path.read_bytes() == before
