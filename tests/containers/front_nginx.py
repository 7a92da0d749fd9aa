"""The frontend's own nginx.conf under an nginx of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from http_call import Reply, call
from waiting import until

FRONTEND = Path(__file__).resolve().parents[2] / "services" / "frontend"


class FrontNginx:
    """Runs nginx.conf as it is, but for what a container has to itself: port, page, /tmp, the proxy's name."""

    def __init__(self, program: str, folder: Path, upstream: str, changes: dict[str, str] | None = None) -> None:
        self.port = _free_port()
        self.log = folder / "nginx.log"
        configuration = (FRONTEND / "nginx.conf").read_text()
        for there, here in (
            (" /tmp/", f" {folder}/"),  # first, for the folder may lie in /tmp itself
            ("listen 8080;", f"listen 127.0.0.1:{self.port};"),
            ("root /usr/share/nginx/html;", f"root {folder};"),
            ("set $proxy proxy:8000;", f"set $proxy {upstream};"),
            *(changes or {}).items(),
        ):
            assert there in configuration, f"nginx.conf no longer says {there}"
            configuration = configuration.replace(there, here)
        (folder / "nginx.conf").write_text(configuration)
        shutil.copy(FRONTEND / "headers.conf", folder)
        shutil.copy(FRONTEND / "index.html", folder)
        # As root, nginx would work as a user who may not see the test's folder.
        rights = "user root;" if os.geteuid() == 0 else ""
        self._command = [program, "-c", str(folder / "nginx.conf"), "-g", f"daemon off; {rights}", "-e", "stderr"]

    def __enter__(self) -> FrontNginx:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        until(self._answers, f"nginx answering: {self.log}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def call(self, method: str, path: str, *more: Any) -> Reply:
        """Ask it."""
        return call(self.port, method, path, *more)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.call("GET", "/nginx-health").status == 200
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
