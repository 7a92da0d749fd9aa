"""The gate: all that this process knows of who may ask."""

from proxy.access.keyring import Keyring
from proxy.access.logins import Logins
from proxy.access.quotas import Quotas
from proxy.access.tickets import Tickets
from proxy.access.watch import Watch
from proxy.config import Config
from proxy.storage.reader import Reader
from proxy.storage.writer import Writer


class Gate:
    """Who holds a key, what is noted of those who come, what is held open for them, and how much each may at once."""

    def __init__(self, config: Config, reader: Reader, writer: Writer) -> None:
        self.keyring = Keyring(reader)
        self.logins = Logins(writer)
        self.watch = Watch(self.keyring)
        self.quotas = Quotas(config)
        self.tickets = Tickets(lambda: writer.do(lambda queue: queue.secret()))
