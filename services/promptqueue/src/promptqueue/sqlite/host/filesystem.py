"""Where the queue's files lie, and whose they are. On a network locks do not hold, and a queue gets damaged."""

import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from promptqueue.errors import StorageUnavailable

MOUNTS = Path("/proc/self/mountinfo")
CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))  # files that mark a container
IMAGE = "python:3.13-slim"  # which the machine has already: the product's images are built on it

# Refused: SQLite's documentation says that they damage databases (sqlite.org/howtocorrupt.html, 2.1).
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs"})
# Warned of: whether locks hold depends on the system behind them.
DOUBTFUL = frozenset({"9p", "virtiofs", "fuse", "afs", "ceph"})

Identity = tuple[int, int]  # which file a name stands for: device and inode
NOTHING: Identity = (0, 0)

SCARCE = 64 * 1024 * 1024  # bytes of a disk: twice the longest body

log = logging.getLogger(__name__)


def free_bytes(folder: Path) -> int:
    """Return how many bytes users other than root may still write to a folder's disk. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def identity(path: str) -> Identity:
    """Return a file's device and inode, `NOTHING` where there is none. Raises OSError when they cannot be read."""
    try:
        found = os.stat(path)  # noqa: PTH116 (this runs for each read and commit, and pathlib takes longer)
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    return found.st_dev, found.st_ino


def make_folder(path: Path) -> None:
    """Make a folder that everybody can use who uses its parent, even if root makes it."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o770)
        _share(path)


def make_file(path: Path) -> None:
    """Make an empty file that everybody can use who uses its folder, and that no other user can read."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660))
        _share(path)


def files_of(path: Path) -> list[Path]:
    """List the database and the files beside it that exist."""
    of_sqlite = (f"{path.name}{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))
    names = (*of_sqlite, "turn.lock", "main.lock", "use.lock", "wake", "workers", "holders", "slots")
    return [path.with_name(name) for name in names if path.with_name(name).exists()]


def refuse_network(folder: Path) -> None:
    """Refuse a folder that lies on a network, and warn of one that may. Raises StorageUnavailable."""
    kind = kind_of(folder)
    if kind in NETWORK:
        message = (
            f"The queue's database cannot lie in {folder}, which is on a network file system ({kind}): locks do not "
            "hold there and it would be damaged, so let DATABASE_URL name a folder on a local disk."
        )
        raise StorageUnavailable(message)
    if kind and is_doubtful(kind):
        _warn(folder, kind)


def is_doubtful(kind: str) -> bool:
    """Whether a file system of this kind may not keep locks."""
    return kind.partition(".")[0] in DOUBTFUL  # fuse.sshfs and its like name the program after the dot


def kind_of(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the kernel's name for the kind of file system that a folder is on; None where it has none.

    The numbers of statfs(2) say less: virtiofs has the same as every other FUSE.
    """
    mount = _mount_of(folder, mounts)
    return mount.kind if mount else None


def ownership_command(folder: Path, user: int, mounts: Path = MOUNTS) -> str:
    """Return the command that gives a folder and all in it to a user; for outside, where a container has it mounted."""
    command = f"chown -R {user} {folder}"
    mount = _mount_of(folder, mounts)
    volume = re.search(r"/volumes/([^/]+)/_data$", mount.source) if mount else None
    if mount and volume:
        engine = "podman" if "/containers/storage/" in mount.source else "docker"
        return f"{engine} run --rm -v {volume[1]}:{mount.point} {IMAGE} {command}"
    if mount and mount.point != Path("/") and any(mark.exists() for mark in CONTAINER):
        return f"chown -R {user}, outside the container and with the folder that {folder} is there"
    return command


@dataclass(frozen=True)
class _Mount:
    source: str
    """The folder of its file system that is mounted; of a volume, the one that the engine made."""
    point: Path
    kind: str


def _mount_of(folder: Path, mounts: Path) -> _Mount | None:
    """Find what is mounted where a folder is; None where the kernel does not say."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    place, found = folder.resolve(), None
    for line in lines:
        words, _, system = line.partition(" - ")
        _, _, _, source, target, *_ = words.split(" ")
        point = Path(_unescaped(target))
        # Of several at the same place the last: it covers the others.
        if place.is_relative_to(point) and (found is None or len(point.parts) >= len(found.point.parts)):
            found = _Mount(source=_unescaped(source), point=point, kind=system.split(" ")[0])
    return found


def _unescaped(text: str) -> str:
    """Decode what the kernel writes as three octal digits: blanks, tabs, line ends and backslashes."""
    head, *rest = text.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def _share(path: Path) -> None:
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


@cache
def _warn(folder: Path, kind: str) -> None:
    """Warn once in each process."""
    log.warning("database where locks may not hold, better move it to a local disk kind=%s folder=%s", kind, folder)
