"""The frontend's own nginx.conf under an nginx of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Self

from support import ROOT, processes
from support.front_door import FrontDoor
from support.ports import free_port
from support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

FRONTEND = ROOT / "services/frontend"


def resolver(resolv_conf: str) -> str:
    """Give what nginx is told of a /etc/resolv.conf with this text."""
    command = ["sh", str(FRONTEND / "resolver.sh")]
    return subprocess.run(command, input=resolv_conf, stdout=subprocess.PIPE, text=True, check=True).stdout


def called(allowed_hosts: str) -> subprocess.CompletedProcess[str]:
    """Give what nginx is told of these ALLOWED_HOSTS."""
    return _told("hosts.sh", ALLOWED_HOSTS=allowed_hosts)


def below(base_path: str) -> subprocess.CompletedProcess[str]:
    """Give what nginx is told of this BASE_PATH."""
    return _told("base_path.sh", BASE_PATH=base_path)


def _told(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(FRONTEND / script)]
    environment = os.environ | environment
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


class FrontNginx(FrontDoor):
    """Runs nginx.conf as it is, but for what a container has to itself: port, page, /tmp, the proxy's name."""

    def __init__(
        self,
        program: str,
        folder: Path,
        upstream: str,
        changes: dict[str, str] | None = None,
        resolv_conf: str = "nameserver 127.0.0.1\n",
        base_path: str = "",
        allowed_hosts: str = "",
    ) -> None:
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        folder.mkdir(exist_ok=True)
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
        (folder / "resolver.conf").write_text(resolver(resolv_conf))
        (folder / "base_path.conf").write_text(below(base_path).stdout.replace(":8080/", f":{self.port}/"))
        (folder / "hosts.conf").write_text(called(allowed_hosts).stdout)
        shutil.copy(FRONTEND / "headers.conf", folder)
        shutil.copy(FRONTEND / "index.html", folder)
        # As root, nginx would work as a user who may not see the test's folder.
        rights = "user root;" if os.geteuid() == 0 else ""
        self._command = [program, "-c", str(folder / "nginx.conf"), "-g", f"daemon off; {rights}", "-e", "stderr"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as log:
            in_utc = os.environ | {"TZ": "UTC"}  # as a container is
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=in_utc)
        until(self._answers, f"nginx answers: {self.log}")

    def stop(self) -> None:
        """End it, and those it holds; harmless when it does not run."""
        if self._process:
            self._process.terminate()
            self._process.wait(10)
        self._process = None

    def kill(self) -> None:
        """End it with SIGKILL, and those it holds."""
        if self._process:
            for process in processes.below(self._process.pid):
                process.signal(signal.SIGKILL)
            self._process.wait(10)
        self._process = None

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log.read_text()
        return self.get("/nginx-health").status == 200
