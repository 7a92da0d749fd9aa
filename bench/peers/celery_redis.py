"""Celery with Redis, whose log is on the disk before it answers."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from support.waiting import until

from bench.peers.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SETTINGS = {
    "broker_connection_retry_on_startup": True,
    "task_ignore_result": True,
    "worker_prefetch_multiplier": 1,
    "worker_redirect_stdouts": False,
}


class CeleryRedis(Peer):
    """Durable in line; acknowledged when it is taken, so a killed worker loses it, as is Celery's default."""

    name, package = "Celery/Redis", "celery"
    durability = "fsync of Redis's log at each write; acknowledged when a worker takes it"
    drained = 400

    def missing(self) -> str:
        if shutil.which("redis-server") is None:
            return "redis-server is not on the PATH"
        return super().missing()

    @contextmanager
    def served(self, folder: Path) -> Iterator[None]:
        options = "--port 0 --unixsocket redis.sock --appendonly yes --appendfsync always"
        with (folder / "redis.log").open("wb") as log:
            redis = subprocess.Popen(["redis-server", *options.split()], cwd=folder, stdout=log, stderr=log)
        with redis:
            try:
                until((folder / "redis.sock").exists, "Redis listens")
                yield
            finally:
                redis.kill()

    def putter(self, folder: Path) -> Callable[[], object]:
        task = _app(folder, lambda: None)[1]
        return lambda: task.delay("Why is the sky blue?")

    def work(self, folder: Path, handle: Callable[[], None], *, slots: int, url: str) -> None:  # noqa: ARG002 (of those that call by themselves)
        app, _ = _app(folder, handle)
        quiet = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        app.Worker(pool="threads", concurrency=slots, loglevel="ERROR", quiet=True, **quiet).start()


def _app(folder: Path, handle: Callable[[], None]) -> tuple[Any, Any]:
    from celery import Celery  # noqa: PLC0415 (optional)

    app = Celery("bench", broker=f"redis+socket://{folder}/redis.sock")
    app.conf.update(SETTINGS)

    def ask(_prompt: str) -> None:
        handle()

    return app, app.task(name="ask")(ask)
