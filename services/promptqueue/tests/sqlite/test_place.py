"""What is accepted is in the file that has the queue's path: moved, deleted and replaced ones are noticed and left."""

import shutil
import threading
from contextlib import suppress

import pytest
from promptqueue.errors import ClaimLost, PromptNotFound, StorageUnavailable
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.file import connection
from promptqueue.storage import connect

GONE = "was moved or deleted: put it back"


@pytest.fixture(autouse=True)
def without_trust(monkeypatch):
    """Let each read look, as it does once a moment has passed since the last look."""
    monkeypatch.setattr(connection, "LOOK_EVERY", 0.0)


@pytest.fixture
def database(tmp_path):
    return tmp_path / "queue.db"


@pytest.fixture
def aside(tmp_path):
    folder = tmp_path / "aside"
    folder.mkdir()
    return folder


def all_of(database):
    return [path for path in database.parent.glob(f"{database.name}*") if path.is_file()]


def delete(database):
    for path in all_of(database):
        path.unlink()


def move(database):
    database.rename(database.with_name("moved.db"))


def move_all(database):
    for path in all_of(database):
        path.rename(path.with_name(path.name.replace("queue.db", "moved.db")))


def delete_the_folder(database):
    shutil.rmtree(database.parent)


STRIKES = [delete, move, move_all, delete_the_folder]
VERBS = {
    "enqueue": lambda queue, _: queue.enqueue(NewPrompt(request={})),
    "claim": lambda queue, claim: queue.claim(claim.terms),
    "renew": lambda queue, claim: queue.renew(claim),
    "cancel": lambda queue, claim: queue.cancel(claim.prompt.id),
    "get": lambda queue, claim: queue.get(claim.prompt.id),
    "progress_of": lambda queue, claim: queue.progress_of([claim.prompt.id]),
    "recover": lambda queue, _: queue.recover(),
    "ping": lambda queue, _: queue.ping(),
    "counts": lambda queue, _: queue.counts(),
}


@pytest.mark.parametrize("strike", STRIKES)
def test_no_verb_uses_a_file_that_is_no_longer_there_and_none_makes_a_new_one(
    queue, storage, ask, terms, database, strike
):
    ask(), ask()
    claim = queue.claim(terms)

    strike(database)

    for verb in VERBS.values():
        with pytest.raises(StorageUnavailable, match=GONE):
            verb(queue, claim)
    for of_the_process in (storage.open, storage.tidy):
        with pytest.raises(StorageUnavailable, match=GONE):
            of_the_process()
    assert not database.exists()


def test_it_goes_on_when_the_file_is_put_back_and_nothing_is_lost(queue, open_queue, ask, database):
    other = open_queue()
    accepted = [ask() for _ in range(3)]

    move(database)
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match=GONE):
            ask()
    database.with_name("moved.db").rename(database)

    accepted.append(ask())
    with suppress(StorageUnavailable):  # it learns only now that its log has been brought into the file
        other.counts()
    assert other.counts().queued == queue.counts().queued == 4
    assert [queue.get(prompt_id).id for prompt_id in accepted] == accepted


def test_a_file_that_was_moved_away_holds_all_that_was_accepted(queue, ask, database, journal):
    for _ in range(3):
        ask()

    move(database)
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            ask()

    moved = connect(f"sqlite:///{database.parent}/moved.db", journal_mode=journal).open()
    assert moved.counts().queued == 3
    moved.close()


def test_a_file_that_goes_within_the_transaction_is_noticed_before_the_commit(queue, ask, database):
    def ask_and_move():
        with queue.transaction():
            ask()
            move(database)

    with pytest.raises(StorageUnavailable, match=GONE):
        ask_and_move()

    database.with_name("moved.db").rename(database)
    assert queue.counts().queued == 0


def test_a_file_that_goes_during_the_commit_is_noticed_before_anybody_is_told(queue, ask, database, monkeypatch):
    run = queue._database.files.execute

    def strike_at_the_commit(statement, values=None):
        found = run(statement, values)
        if statement == "COMMIT":
            move(database)
        return found

    monkeypatch.setattr(queue._database.files, "execute", strike_at_the_commit)

    with pytest.raises(StorageUnavailable, match=GONE):
        ask()


def test_an_older_copy_in_its_place_is_opened_and_served(queue, storage, open_queue, ask, terms, database, aside):
    other, old = open_queue(), ask("old")
    storage.backup(aside / "copy.db")
    newer = ask("newer")
    claim = queue.claim(terms)

    (aside / "copy.db").rename(database)

    for each in (queue, other):
        with pytest.raises(StorageUnavailable, match="was replaced by another file while it was in use"):
            each.get(newer)
        with pytest.raises(PromptNotFound):
            each.get(newer)
        assert each.request(old) == {"prompt": "old"}
        assert each._database.run("PRAGMA integrity_check")[0][0] == "ok"
    with pytest.raises(ClaimLost):
        queue.renew(claim)
    after = ask("after")
    assert other.claim(terms).prompt.id == old
    assert other.get(after).status == "queued"


def test_whoever_opens_the_copy_first_does_not_play_the_old_log_back_into_it(
    queue, storage, open_queue, ask, database, aside
):
    ask("old")
    storage.backup(aside / "copy.db")
    for n in range(50):
        ask(f"newer {n}" * 1_000)

    (aside / "copy.db").rename(database)

    newcomer = open_queue()
    assert newcomer.counts().queued == 1
    assert newcomer._database.run("PRAGMA integrity_check")[0][0] == "ok"
    with suppress(StorageUnavailable):
        queue.counts()
    assert queue.counts().queued == 1
    assert queue.enqueue(NewPrompt(request={}))[0].position == 2
    assert newcomer.counts().queued == 2


@pytest.mark.parametrize("lost", [("-wal",), ("-shm",), ("-wal", "-shm")], ids="".join)
def test_a_log_that_goes_is_noticed_and_what_was_accepted_is_saved(queue, open_queue, ask, database, journal, lost):
    if journal != "wal":
        pytest.skip("there is no log")
    other, accepted = open_queue(), [ask(f"{n}" * 1_000) for n in range(20)]

    for suffix in lost:
        database.with_name(f"queue.db{suffix}").unlink()

    with pytest.raises(StorageUnavailable, match="lost its log, which somebody moved or deleted"):
        ask()
    accepted.append(ask("after"))
    with pytest.raises(StorageUnavailable, match="lost its log"):
        other.counts()
    assert other.counts().queued == 21
    accepted += [each.prompt.id for each in other.enqueue(NewPrompt(request={}))]
    queue.close()
    other.close()
    reopened = open_queue()
    assert [reopened.get(prompt_id).id for prompt_id in accepted] == accepted
    assert reopened._database.run("PRAGMA integrity_check")[0][0] == "ok"


def test_a_new_instance_does_not_begin_a_log_before_the_lost_one_is_saved(queue, open_queue, ask, database, journal):
    if journal != "wal":
        pytest.skip("there is no log")
    ask()
    database.with_name("queue.db-wal").unlink()

    with pytest.raises(StorageUnavailable, match="lost its log"):
        open_queue()
    for _ in range(2):
        with suppress(StorageUnavailable):
            queue.counts()

    assert open_queue().counts().queued == 1


def test_the_files_of_one_that_noticed_and_was_closed_are_let_go(queue, open_queue, open_below, database):
    one = open_queue()
    before = open_below(database.parent)
    move(database)
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            one.counts()

    one.close()

    assert len(open_below(database.parent)) < len(before)
    database.with_name("moved.db").rename(database)


def test_an_instance_goes_on_when_another_of_its_process_is_closed(storage):
    first, second = storage.open(), storage.open()

    first.close()

    assert [second.enqueue(NewPrompt(request={}))[0].position for _ in range(3)] == [1, 2, 3]
    second.close()


class Load:
    """Threads that submit; `accepted` are those that began after the strike."""

    def __init__(self, url, journal):
        self.accepted = []
        self._struck, self._over = threading.Event(), threading.Event()
        queues = [connect(url, journal_mode=journal).open() for _ in range(3)]
        self._threads = [threading.Thread(target=self._submit, args=(queue,)) for queue in queues]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def struck(self):
        self._struck.set()

    def _submit(self, queue):
        while not self._over.is_set():
            had_been = self._struck.is_set()
            with suppress(StorageUnavailable):
                [one] = queue.enqueue(NewPrompt(request={"prompt": "x" * 2_000}))
                if had_been:
                    self.accepted.append(one.prompt.id)
        queue.close()


@pytest.mark.parametrize("strike", [delete, move, None], ids=["deleted", "moved", "replaced"])
def test_under_load_all_that_is_accepted_after_the_strike_is_found_again(
    storage, url, journal, database, aside, eventually, strike
):
    first = connect(url, journal_mode=journal).open()
    first.enqueue(NewPrompt(request={}))
    storage.backup(aside / "copy.db")

    with Load(url, journal) as load:
        eventually(lambda: first.counts().queued > 30)
        first.close()
        if strike:
            strike(database)
            load.struck()
            threading.Event().wait(0.3)  # in which something might be accepted
            assert load.accepted == []
        (aside / "copy.db").rename(database)
        load.struck()
        eventually(lambda: len(load.accepted) > 30)

    queue = connect(url, journal_mode=journal).open()
    assert [queue.get(prompt_id).id for prompt_id in load.accepted] == load.accepted
    assert queue._database.run("PRAGMA integrity_check")[0][0] == "ok"
    queue.close()


@pytest.fixture
def overwritten(queue, storage, open_queue, ask, database, aside):
    """Two instances of a queue that an older copy was just written over."""
    other = open_queue()
    ask("old")
    storage.backup(aside / "copy.db")
    for n in range(20):
        (queue, other)[n % 2].enqueue(NewPrompt(request={"prompt": f"{n}" * 20_000}))
    storage.tidy()
    ask("newest")
    database.write_bytes((aside / "copy.db").read_bytes())
    return queue, other


def test_an_older_copy_written_over_the_open_file_is_noticed_before_anything_is_accepted(overwritten, open_queue, ask):
    _, other = overwritten

    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="was overwritten by an older copy while it was in use"):
            ask()
        with pytest.raises(StorageUnavailable, match="was overwritten by an older copy"):
            other.ping()
    with pytest.raises(StorageUnavailable, match="was overwritten by an older copy"):
        open_queue()


def test_a_backup_in_place_of_what_was_overwritten_is_served(overwritten, ask, database, aside):
    with pytest.raises(StorageUnavailable):
        ask()

    (aside / "copy.db").rename(database)

    for each in overwritten:
        for _ in range(2):
            with suppress(StorageUnavailable):
                each.counts()
        assert each.counts().queued == 1
        assert each._database.run("PRAGMA integrity_check")[0][0] == "ok"
