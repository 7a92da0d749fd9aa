"""The parts of one proxy process, made once and handed to whatever serves requests."""

from dataclasses import dataclass
from typing import Self

from promptqueue import connect

from proxy.config import Config
from proxy.live.held_requests import HeldRequests
from proxy.live.live_prompts import LivePrompts
from proxy.live.lookup import Lookup
from proxy.live.places import Places
from proxy.prompts import Prompts
from proxy.serving.concurrency import Concurrency
from proxy.serving.departures import Departures
from proxy.serving.room import Room
from proxy.storage.estimates import Estimates
from proxy.storage.listener import SharedListener
from proxy.storage.overview import WholeQueue
from proxy.storage.progress import CurrentProgress
from proxy.storage.reader import Reader
from proxy.storage.writer import Writer


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What requests are served with."""

    config: Config
    concurrency: Concurrency
    writer: Writer
    reader: Reader
    prompts: Prompts
    whole_queue: WholeQueue
    estimates: Estimates
    listener: SharedListener
    departures: Departures
    places: Places
    live: LivePrompts
    room: Room

    @classmethod
    def of(cls, config: Config, concurrency: Concurrency) -> Self:
        """Make the parts of this process. Call it after a fork: the writer's thread would not survive one."""
        storage = connect(config.database_url, journal_mode=config.journal_mode, threads=concurrency.native)
        reader, writer = Reader(storage, concurrency), Writer(storage.open, concurrency)
        current, whole_queue = CurrentProgress(reader, writer), WholeQueue(storage, reader, writer)
        estimates = Estimates(whole_queue)
        listener = SharedListener(storage.listen)
        departures = Departures(concurrency.epoll())
        places = Places(departures, limit=config.max_streams)
        held = HeldRequests(current=current, reader=reader, places=places, listener=listener)
        lookup = Lookup(current=current, reader=reader, estimates=estimates)
        live = LivePrompts(lookup=lookup, reader=reader, places=places, listener=listener)
        return cls(
            config=config,
            concurrency=concurrency,
            writer=writer,
            reader=reader,
            prompts=Prompts(config, reader=reader, writer=writer, current=current, held_requests=held, live=live),
            whole_queue=whole_queue,
            estimates=estimates,
            listener=listener,
            departures=departures,
            places=places,
            live=live,
            room=Room(),
        )

    def stop(self) -> None:
        """Let held requests answer and streams end, at once."""
        self.departures.stop()
        self.listener.close()
        self.live.stop()

    def cut(self) -> None:
        """Break the streams that did not end when asked to: their clients do not read."""
        self.live.cut()

    def close(self) -> None:
        """Let held requests answer and streams end, finish what was accepted, and let go of the queue."""
        self.stop()
        self.writer.close()
        self.reader.close()
