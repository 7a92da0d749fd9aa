"""A PostgreSQL server of a test's own: data in a folder that goes, a port of the loopback, no password."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

from support.ports import free_port
from support.waiting import DEADLINE, until

PLACES = "/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"
NAMES = ("postgres", "nobody")  # PostgreSQL refuses to run as root: it runs as one of these then
USER = "queue"
MEMORY = Path("/dev/shm")
PLENTY = 2**30  # bytes


def programs():
    """The folder of PostgreSQL's server programs; None where there are none."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = [
        place for pattern in PLACES for place in Path("/").glob(pattern.lstrip("/")) if (place / "initdb").exists()
    ]
    return max(places, key=lambda place: float(place.parent.name.rpartition("@")[2] or 0), default=None)


class PostgresServer:
    """Starts, stops, kills and starts again; what was committed is there again."""

    def __init__(self, folder, *, durable=True, settings=None, primary=None):
        """With a `primary` it is a standby of that one."""
        self.folder = Path(folder)
        self.port = free_port()
        self._durable = durable
        self._settings = settings or {}
        self._programs = programs()
        self._process = None
        self._account = None
        if os.geteuid() == 0:
            known = {each.pw_name: each for each in pwd.getpwall()}
            self._account = next(known[name] for name in NAMES if name in known)
        self._make(primary)

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_alive(self):
        """Whether it runs or is stopped."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number):
        """Send a signal to all of its processes."""
        for pid in (self._process.pid, *_children(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def url(self, database="postgres", **parameters):
        rest = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}{rest and '?' + rest}"

    def start(self):
        """Start it, and wait until it takes connections."""
        self.begin()
        until(self._answers)

    def begin(self):
        """Start it; what it had not written to its data it reads from its log first."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "on" if self._durable else "off",
            "max_connections": 200,
            "shared_buffers": "64MB",
            **self._settings,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", *arguments],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_account(),
            )

    def stop(self):
        """End it in order; whoever is connected is cut off."""
        self._end(signal.SIGINT)

    def kill(self):
        """End all of its processes at once, as a power cut would."""
        parts = [*_children(self._process.pid)]
        for pid in (self._process.pid, *parts):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(DEADLINE)
        self._process = None
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in parts), "its parts are gone")

    def close(self):
        if self._process:
            self._end(signal.SIGQUIT)

    def make_database(self, name):
        self.run("createdb", "--template", "template0", "--encoding", "UTF8", name)

    def run(self, program, *arguments):
        """Run one of PostgreSQL's client programs against it; what it printed."""
        ran = subprocess.run(
            [self._programs / program, "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, *arguments],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=True,
        )
        return ran.stdout

    def promote(self):
        """Let a standby be the primary from now on."""
        self.ask("SELECT pg_promote()")

    def has_all_of(self, primary):
        """Whether a standby has all that its primary has written so far."""
        return self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{primary.ask('SELECT pg_current_wal_lsn()')}'") == "t"

    def trust(self, network):
        """Let whoever comes from there in."""
        with (self.folder / "data/pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")
        self.ask("SELECT pg_reload_conf()")

    def ask(self, statement, database="postgres"):
        """Ask it something, or tell it; its answer in words."""
        return self.run("psql", "--no-psqlrc", "-Atc", statement, database).strip()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _make(self, primary):
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._account:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        if primary:
            words = ["pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-c", "fast", "--write-recovery-conf"]
        else:
            words = ["initdb", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        options = ["-U", USER, "-D", self.folder / "data", *([] if self._durable else ["--no-sync"])]
        subprocess.run(
            [self._programs / words[0], *words[1:], *options], check=True, capture_output=True, **self._as_account()
        )

    def _as_account(self):
        if not self._account:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": [], "cwd": "/"}

    def _end(self, how):
        self._process.send_signal(how)
        self._process.wait(DEADLINE)
        self._process = None

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError(self.log()[-2_000:])
        asked = subprocess.run(
            [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        )
        return asked.returncode == 0


def _children(parent):
    """Each part of the server has a session of its own, so that a signal to a group would miss them."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(status.parent.name)


@contextmanager
def postgres_server(*, durable=True, settings=None, primary=None, folder=None):
    """A server that runs; it and its data go at the end. One that need not be `durable` lies in memory.

    With a `primary` it is a standby of that one. `folder` is where it lies instead, and stays.
    """
    in_memory = not durable and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > PLENTY
    made = folder is None
    if made:
        folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=MEMORY if in_memory else None))
    folder.chmod(0o755)
    try:
        server = PostgresServer(folder, durable=durable, settings=settings, primary=primary)
        try:
            server.start()
            yield server
        finally:
            server.close()
    finally:
        if made:
            shutil.rmtree(folder, ignore_errors=True)
