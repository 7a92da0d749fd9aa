"""The SQLite backend, as the suite of every backend is handed it."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from promptqueue.sqlite.file import engine
from promptqueue.storage import connect

MEMORY = "/dev/shm"  # thousands of commits that no power cut threatens


class SQLiteBackend:
    outlives_a_reboot = True

    def __init__(self, journal="auto"):
        self._journal = journal

    @staticmethod
    def modes():
        """The journal modes that this SQLite can be trusted with."""
        return ["wal", "persist"] if engine.journal_mode("auto") == "wal" else ["persist"]

    @contextmanager
    def fresh(self, clock):
        folder = tempfile.mkdtemp(dir=MEMORY if Path(MEMORY).is_dir() else None)
        storage = connect(f"sqlite:///{folder}/queue.db", journal_mode=self._journal, clock=clock)
        try:
            yield storage
        finally:
            shutil.rmtree(folder)

    def check(self, queue):
        """Hold the counters beside a real count, which is given, and texts beside their prompts."""
        run = queue._database.run
        counted = run("SELECT status, priority, count(*) AS prompts FROM prompts GROUP BY status, priority")
        kept = run("SELECT status, priority, prompts FROM counters WHERE prompts > 0")
        assert sorted(map(tuple, counted)) == sorted(map(tuple, kept))
        line = run("SELECT priority, seq / 256, count(*) FROM prompts WHERE status = 'queued' GROUP BY 1, 2")
        assert sorted(map(tuple, line)) == sorted(map(tuple, run("SELECT priority, block, prompts FROM line")))
        for table in ("requests", "answers", "partials"):
            assert not run(f"SELECT 1 FROM {table} WHERE seq NOT IN (SELECT seq FROM prompts)")
        return {(row["status"], row["priority"]): row["prompts"] for row in counted}
