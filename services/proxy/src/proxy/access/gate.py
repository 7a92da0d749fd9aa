"""The gate: all that this process knows of who may ask."""

from proxy.access.keyring import Keyring
from proxy.access.logins import Logins
from proxy.access.watch import Watch
from proxy.storage.reader import Reader
from proxy.storage.writer import Writer


class Gate:
    """Who holds a key, what is noted of those who come, and what is held open for them."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self.keyring = Keyring(reader)
        self.logins = Logins(writer)
        self.watch = Watch(self.keyring)
