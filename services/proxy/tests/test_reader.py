"""The reader: what it says of a storage that fails, and how much it takes of one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from proxy.serving.concurrency import Concurrency
from proxy.storage import reader as under_test
from proxy.storage.reader import MOST, Reader
from support.waiting import stays


def test_a_storage_that_fails_is_complained_of_once_until_it_is_back(url, caplog):
    def fail(_queue):
        raise StorageUnavailable("no such disk")

    caplog.set_level("INFO")
    reader = Reader(connect(url), Concurrency())

    for look in (fail, fail, fail, lambda queue: queue.counts(), lambda queue: queue.counts(), fail):
        if look is fail:
            with pytest.raises(StorageUnavailable, match="no such disk"):
                reader.read(look)
        else:
            reader.read(look)

    said = [record.getMessage() for record in caplog.records if record.name == "proxy.storage.reader"]
    complaint = "storage unavailable reason='no such disk'"
    assert said == [complaint, "storage is back", complaint]


@pytest.fixture
def opened():
    """A storage, and all instances of the queue that were opened."""
    opened = []

    class Storage:
        reads_wait = False

        def open(self):
            opened.append(object())
            return opened[-1]

    return Storage(), opened


def test_however_many_read_at_once_a_server_has_few_connections_for_them(opened):
    storage, instances = opened
    reader = Reader(storage, Concurrency())
    here, readers = threading.Semaphore(0), MOST * 3
    enough = threading.Event()

    def read():
        here.release()
        reader.read(lambda _: enough.wait(20))

    with ThreadPoolExecutor(readers) as pool:
        reading = [pool.submit(read) for _ in range(readers)]
        for _ in range(readers):
            here.acquire(timeout=20)
        stays(lambda: len(instances) <= MOST, seconds=0.2)
        enough.set()

    assert [each.result() for each in reading] == [None] * readers
    assert len(instances) == MOST


def test_a_read_that_fails_leaves_its_place_to_others(opened):
    storage, instances = opened
    reader = Reader(storage, Concurrency())

    for _ in range(MOST * 2):
        with pytest.raises(ZeroDivisionError):
            reader.read(lambda _: 1 / 0)

    assert len(instances) == 1


@pytest.fixture
def slow(opened):
    """A reader whose places are all taken, by reads that go on until the test is over."""
    storage, _ = opened
    reader = Reader(storage, Concurrency())
    enough = threading.Event()
    started = threading.Barrier(MOST + 1)

    def take_long(_queue):
        started.wait(20)
        enough.wait(20)

    with ThreadPoolExecutor(MOST) as readers:
        for _ in range(MOST):
            readers.submit(reader.read, take_long)
        started.wait(20)
        yield reader
        enough.set()


def test_who_waits_for_others_to_end_is_told_so_after_a_while(slow, monkeypatch):
    monkeypatch.setattr(under_test, "PATIENCE", 0.05)

    with pytest.raises(StorageUnavailable, match=r"longer than 0\.05 seconds"):
        slow.read(lambda _: None)


def test_what_is_brief_waits_for_none_that_are_not(slow, monkeypatch):
    monkeypatch.setattr(under_test, "PATIENCE", 0.05)

    assert slow.read(lambda _: "at once", is_brief=True) == "at once"
