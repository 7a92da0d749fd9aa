"""The parts of one proxy process, made once and handed to whatever serves requests."""

from promptqueue import connect

from proxy.access.asker import Asker
from proxy.access.gate import Gate
from proxy.config import Config
from proxy.live.held_requests import HeldRequests
from proxy.live.live_prompts import LivePrompts
from proxy.live.lookup import Lookup
from proxy.live.places import Places
from proxy.meter import Meter
from proxy.own_prompts import OwnPrompts
from proxy.prompts import Prompts
from proxy.serving import descriptors
from proxy.serving.concurrency import Concurrency
from proxy.serving.departures import Departures
from proxy.serving.room import Room
from proxy.storage.accounts import Accounts
from proxy.storage.attendance import Attendance
from proxy.storage.estimates import Estimates
from proxy.storage.listener import SharedListener
from proxy.storage.overview import WholeQueue
from proxy.storage.progress import CurrentProgress
from proxy.storage.reader import Reader
from proxy.storage.writer import Writer


class Parts:
    """What requests are served with. Make it after a fork: the writer's thread would not survive one."""

    def __init__(self, config: Config, concurrency: Concurrency, meter: Meter) -> None:
        storage = connect(config.database_url, journal_mode=config.journal_mode, threads=concurrency.native)
        self.config = config
        self.concurrency = concurrency
        self.room = Room(connections=descriptors.caps(config.max_streams).connections)
        self.reader = reader = Reader(storage, concurrency)
        self.writer = writer = Writer(storage.open, concurrency, meter)
        self.whole_queue = WholeQueue(storage, reader, writer)
        self.estimates = Estimates(self.whole_queue)
        self.listener = listener = SharedListener(storage.listen)
        self.gate = Gate(config, reader, writer)
        departures = Departures(concurrency.epoll())
        self.places = places = Places(departures, self.gate, limit=config.max_streams, meter=meter)
        current = CurrentProgress(reader, writer)
        held = HeldRequests(current=current, reader=reader, places=places, listener=listener)
        lookup = Lookup(current=current, reader=reader, estimates=self.estimates)
        self.live = LivePrompts(lookup=lookup, reader=reader, places=places, listener=listener)
        self.prompts = Prompts(
            config,
            reader=reader,
            writer=writer,
            current=current,
            held_requests=held,
            live=self.live,
            attendance=Attendance(storage.attend),
        )

    @property
    def accounts(self) -> Accounts:
        """Give what is known of owners."""
        return Accounts(self.reader)

    def own(self, asker: Asker) -> OwnPrompts:
        """Give the prompts of whoever asks: the only way from an id that a client has sent to its prompt."""
        return OwnPrompts(self.prompts, asker, self.gate.keyring)

    def stop(self) -> None:
        """Let held requests answer and streams end, at once; whoever asks again elsewhere finds what this one held."""
        self.prompts.leave()
        self.places.stop()
        self.listener.close()
        self.live.stop()

    def cut(self) -> None:
        """Break the streams that did not end when asked to: their clients do not read."""
        self.live.cut()

    def close(self) -> None:
        """Let held requests answer and streams end, finish what was accepted, and let go of the queue."""
        self.stop()
        self.gate.logins.tell()
        self.writer.close()
        self.reader.close()
        self.prompts.leave()
