"""Native threads: what there is of them where greenlets take the place of threads."""

from collections.abc import Callable
from typing import Any, Protocol


class NativeThreads(Protocol):
    """Makes native threads, as `_thread` does where greenlets do not take the place of threads."""

    def allocate_lock(self) -> Any:
        """Make a lock for native threads."""

    def get_ident(self) -> int:
        """Tell the native thread that runs this from others."""

    def start_new_thread(self, function: Callable[[], object], args: tuple[()], /) -> int:
        """Run `function` on a native thread."""
