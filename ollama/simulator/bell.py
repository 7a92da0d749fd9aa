"""A bell: how one thread wakes another that waits on its connection."""

import contextlib
import os


class Bell:
    """Wakes a thread that waits on its connection."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self.writing, False)

    def ring(self) -> None:
        """Wake whoever waits, now or later."""
        with contextlib.suppress(BlockingIOError):  # full of rings that were not heard yet: it is heard all the same
            os.write(self.writing, b"!")

    def hush(self) -> None:
        """Forget one ring, if there was one."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.reading, 1)

    def close(self) -> None:
        """Give the two descriptors back."""
        os.close(self.reading)
        os.close(self.writing)
