"""A disk of a few megabytes, which only root can mount."""

import os
import subprocess
from contextlib import contextmanager, suppress

import pytest


class SmallDisk:
    """A tmpfs at `path`: full when told so, and given room again."""

    def __init__(self, path):
        self.path = path

    def free(self):
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def fill(self):
        with (self.path / "filling").open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def make_room(self):
        (self.path / "filling").unlink()

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)


@contextmanager
def mounted(path, size="2m"):
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
