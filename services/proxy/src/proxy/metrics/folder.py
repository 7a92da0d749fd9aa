"""The folder in which the processes of one proxy count together, in memory, by Prometheus's library.

It is imported by Gunicorn's master, which has no need of the library.
"""

import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own: by it the processes learn where the folder is, and that there are several of them."""


def make(parent: str | None, port: int) -> Path:
    """Make the folder of whoever listens at this port, or empty it: nobody else can have it in use.

    Raises PermissionError where somebody else has made it.
    """
    folder = Path(parent or tempfile.gettempdir()) / f"ollama-proxy-metrics-{os.getuid()}-{port}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        there = folder.lstat()
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid():
            message = f"{folder} belongs to somebody else. Remove it, or choose another METRICS_PORT."
            raise PermissionError(message) from None
        for left in folder.iterdir():
            left.unlink()
    return folder
