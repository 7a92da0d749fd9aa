"""Which file a name stands for at this moment."""

import os

Identity = tuple[int, int]
"""Device and inode; of nothing, where there is no such file."""

NOTHING: Identity = (0, 0)


def identity(path: str) -> Identity:
    """Return the device and inode of a file. Raises OSError when they cannot be read."""
    try:
        found = os.stat(path)  # noqa: PTH116 (this runs for each read and commit, and pathlib takes longer)
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    return found.st_dev, found.st_ino
