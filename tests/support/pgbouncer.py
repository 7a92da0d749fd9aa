"""A PgBouncer of a test's own before a PostgreSQL."""

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from support.machine import needed
from support.ports import free_port
from support.postgres import USER
from support.waiting import until

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server.port} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {pool_mode}
default_pool_size = 100
max_client_conn = 300
"""


@contextmanager
def pgbouncer(server, *, pool_mode):
    """Lend connections to `server` for a session or for a transaction; how to write the URL of a database there."""
    program = needed("pgbouncer")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "pgbouncer.ini").write_text(SETTINGS.format(server=server, user=USER, port=port, pool_mode=pool_mode))
        user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, *user, folder / "pgbouncer.ini"], stdout=log, stderr=log)
        try:
            until(lambda: "process up" in (folder / "log").read_text(), "PgBouncer listens")
            yield lambda database: server.url(database).replace(f":{server.port}/", f":{port}/")
        finally:
            process.terminate()
            process.wait(10)
