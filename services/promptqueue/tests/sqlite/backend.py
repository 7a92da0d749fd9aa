"""The SQLite backend, as the suite of every backend is handed it."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from promptqueue.sqlite.file import engine
from promptqueue.storage import connect

MEMORY = Path("/dev/shm")
PLENTY = 2**30  # bytes


@contextmanager
def quick_folder():
    """A folder that goes; in memory where there is plenty: thousands of commits need not wait for a disk.

    Whether a commit is told to wait for it is seen all the same (`synchronous`).
    """
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > PLENTY
    folder = Path(tempfile.mkdtemp(dir=MEMORY if in_memory else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class SQLiteBackend:
    outlives_a_reboot = True
    knows_its_disk = True
    writes_in_turns = True

    def __init__(self, journal="auto"):
        self._journal = journal

    @staticmethod
    def modes():
        """The journal modes that this SQLite can be trusted with."""
        return ["wal", "persist"] if engine.journal_mode("auto") == "wal" else ["persist"]

    @contextmanager
    def fresh(self, clock):
        with quick_folder() as folder:
            yield connect(f"sqlite:///{folder}/queue.db", journal_mode=self._journal, clock=clock)

    def check(self, queue):
        """Hold the counters beside a real count, which is given, and texts beside their prompts."""
        run = queue._database.run
        counted = run("SELECT status, priority, count(*) AS prompts FROM prompts GROUP BY status, priority")
        kept = run("SELECT status, priority, prompts FROM counters WHERE prompts > 0")
        assert sorted(map(tuple, counted)) == sorted(map(tuple, kept))
        self._check_turns(run)
        bytes_of_owners = run(
            "SELECT owner, sum(bytes) FROM prompts GROUP BY owner HAVING sum(bytes) > 0 ORDER BY owner"
        )
        kept = run("SELECT owner, stored_bytes FROM owners WHERE stored_bytes > 0 ORDER BY owner")
        assert [*map(tuple, bytes_of_owners)] == [*map(tuple, kept)]
        for table in ("requests", "answers", "partials", "origins", "holds"):
            assert not run(f"SELECT 1 FROM {table} WHERE seq NOT IN (SELECT seq FROM prompts)")
        assert not run("SELECT 1 FROM holds WHERE seq NOT IN (SELECT seq FROM origins)")
        assert not run("SELECT 1 FROM holds JOIN prompts USING (seq) WHERE is_open = (status = 'completed')")
        return {(row["status"], row["priority"]): row["prompts"] for row in counted}

    def _check_turns(self, run):
        for counted, kept in [
            ("SELECT priority, owner, seq / 256, count(*) FROM queued GROUP BY 1, 2, 3", "SELECT * FROM line"),
            (
                "SELECT priority, owner, count(*) FROM queued GROUP BY 1, 2",
                "SELECT priority, owner, waiting FROM waiting",
            ),
            (
                "SELECT owner, count(*) FROM processing GROUP BY 1",
                "SELECT owner, running FROM owners WHERE running > 0",
            ),
        ]:
            of_status = "SELECT * FROM prompts WHERE status ="
            named = f"""
                WITH queued AS ({of_status} 'queued'), processing AS ({of_status} 'processing'),
                waiting AS (SELECT * FROM turns WHERE waiting > 0)
            """
            assert sorted(map(tuple, run(named + counted))) == sorted(map(tuple, run(named + kept)))
