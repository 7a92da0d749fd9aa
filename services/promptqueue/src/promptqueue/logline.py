"""How a line of the log looks, whichever of the product's processes writes it."""

from __future__ import annotations

import logging
import time


class Format(logging.Formatter):
    """When it was, in UTC, ISO 8601 with milliseconds and Z; how grave it is; who says it; what happened."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        """Have one form, for everybody."""
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
