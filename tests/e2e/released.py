"""The last release, as the repository's history has it, and the way from it to what lies here."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

from support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "df6f580"  # 1.0.0


def missing() -> str | None:
    """Why the last release cannot be had; None when it can."""
    known = subprocess.run(["git", "cat-file", "-e", COMMIT], cwd=ROOT, capture_output=True, check=False)
    return f"the history does not reach back to {COMMIT}: git fetch --unshallow" if known.returncode else None


def unpack(folder: Path) -> Path:
    """Put its files into a folder."""
    archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


class Checkout:
    """A clone of a repository that has the last release alone, until what lies here is published there."""

    def __init__(self, folder: Path) -> None:
        self._origin = folder / "origin"
        self.folder = folder / "checkout"
        unpack(self._origin)
        self._git("init", "--quiet", "--initial-branch", "main")
        self._commit("The last release")
        subprocess.run(["git", "clone", "--quiet", str(self._origin), str(self.folder)], check=True)

    def publish(self, here: Path) -> None:
        """Let `git pull` bring the files of this folder."""
        for old in self._origin.iterdir():
            if old.name != ".git":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        shutil.copytree(here, self._origin, dirs_exist_ok=True)
        self._commit("The next release")

    def _commit(self, message: str) -> None:
        self._git("add", "--all")
        self._git(
            "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message", message
        )

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self._origin, check=True)
