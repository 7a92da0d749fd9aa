"""The reader: what it says of a storage that fails."""

import pytest
from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from proxy.serving.concurrency import Concurrency
from proxy.storage.reader import Reader


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
