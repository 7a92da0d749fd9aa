"""The application under one kind of Gunicorn worker, with a constant answer beside it as the ceiling."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from support.ports import free_port
from support.waiting import until

from bench.clients import load

if TYPE_CHECKING:
    from flask import Response

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [ROOT, *(ROOT / "services" / name / "src" for name in ("promptqueue", "proxy"))]
KINDS = {
    "gevent": ["--config", str(ROOT / "services/proxy/gunicorn.conf.py")],
    "gthread": ["-k", "gthread", "--threads", "16", "-w", "1", "--keep-alive", "75", "--no-control-socket"],
}


def application() -> Any:
    """Give the product, with a route of bare Flask beside it that reads JSON and answers a constant."""
    from flask import Flask, request  # noqa: PLC0415 (only the server's process needs all this)
    from proxy.wsgi import app as product  # noqa: PLC0415
    from werkzeug.middleware.dispatcher import DispatcherMiddleware  # noqa: PLC0415

    bare = Flask("bare")

    @bare.post("/")
    def constant() -> dict[str, Any] | Response:
        request.get_json(force=True)
        return {"id": "00000000-0000-4000-8000-000000000000", "status": "queued", "position": 1}

    mounted: Any = DispatcherMiddleware(product, {"/constant": bare})
    mounted.extensions = product.extensions
    return mounted


class Server:
    """One kind, on a database of its own, from `with` to its end."""

    def __init__(self, kind: str, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = (folder / "server.log").open("w+")
        environment = {
            **os.environ,  # noqa: TID251 (an entry file of its own)
            "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
            "DATABASE_URL": f"sqlite:///{folder}/queue.db",
            "MAX_QUEUE_DEPTH": "100000000",
            "PROXY_PORT": str(port),
        }
        command = ["-m", "gunicorn", *KINDS[kind], "-b", f"127.0.0.1:{port}", "bench.servers:application()"]
        self._process = subprocess.Popen(
            [sys.executable, *command], env=environment, cwd=folder, stdout=self._log, stderr=self._log
        )

    def __enter__(self) -> Self:
        try:
            until(self._answers, "the server answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            self._log.seek(0)
            raise ChildProcessError(self._log.read())
        try:
            load(self.url, "/constant/", clients=1, seconds=0.01)
        except OSError:
            return False
        return True
