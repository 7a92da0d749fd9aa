"""The key by which a client says that it asks the same once more."""

import re

from proxy.errors import InvalidRequest

KEY = re.compile(r"[\x21-\x7e]{16,255}")


def read(key: str | None) -> str | None:
    """Give an Idempotency-Key as it was sent; None without one. Raises InvalidRequest."""
    if key is not None and not KEY.fullmatch(key):
        message = "An Idempotency-Key has 16 to 255 visible ASCII characters, such as a UUID."
        raise InvalidRequest(message, param="Idempotency-Key")
    return key
