"""Notes as datagrams: whoever commits wakes all who wait, in well under a millisecond, in all containers of a volume.

Each process that waits binds one datagram socket `wake/<uuid>.sock` beside the database. A datagram is a hint, never
the record: the kernel queues about ten for a socket and the rest are lost, so whoever waits also looks once a second.
"""

import _socket
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from promptqueue.notes import Changed, Note, Subscriptions, Text, Written
from promptqueue.sqlite.host import filesystem

LARGEST_DATAGRAM = 60_000  # bytes; well below Linux's default send buffer of 208 KiB
LONGEST_ADDRESS = 100  # bytes; macOS has room for 103, Linux for 107
LOOK_EVERY = 5.0  # seconds without a datagram after which a listener makes sure that its socket is there
UNSETTLED = 100_000_000  # nanoseconds within which a folder that changes again may keep its time of change
SOCKET, OF_CHANGES = ".sock", ".changes.sock"  # suffixes of sockets; to the latter no live text is sent

log = logging.getLogger(__name__)


class DatagramSender:
    """Sends to every listener, waits for none, and removes the sockets of dead ones."""

    def __init__(self, folder: Path) -> None:
        filesystem.make_folder(folder)
        self._folder = folder
        self._place = str(folder)
        # The plain socket, even where gevent replaces it: it never waits, and gevent's belongs to the loop of the
        # thread that made it, which may end earlier.
        self._socket = _socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._listed: list[str] = []
        self._listed_when: int | None = None  # the folder's time of change; None where it may have changed since

    def changed(self, prompt_ids: Collection[str | None]) -> None:
        """Send that something was committed about these prompts; None, or too many for a datagram, means any."""
        self._name("changed", [None] if None in prompt_ids else list(prompt_ids))

    def written(self, prompt_ids: Collection[str]) -> None:
        """Send that text of these prompts was written. A listener of an older version takes it for any change."""
        self._name("written", list(prompt_ids), but=OF_CHANGES)

    def send_text(self, text: Text) -> None:
        """Send live text, unless it is too long for a datagram: readers then find it in the database."""
        # JSON by hand, except for the text: this runs for every token of every answer.
        message = f'{{"text": ["{text.prompt_id}", {text.attempt}, {text.offset}, {json.dumps(text.text)}]}}'.encode()
        if len(message) <= LARGEST_DATAGRAM:
            self._send(message, but=OF_CHANGES)

    def close(self) -> None:
        self._socket.close()

    def _name(self, what: str, prompt_ids: list[str] | list[None] | list[str | None], *, but: str = "/") -> None:
        message = json.dumps({what: prompt_ids}).encode()
        self._send(message if len(message) <= LARGEST_DATAGRAM else b'{"changed": [null]}', but=but)

    def _send(self, message: bytes, *, but: str = "/") -> None:
        # Strings, not paths: this runs for every token of every answer, and pathlib would take half of its time.
        for name in self._listeners():
            if name.endswith(but):
                continue
            try:
                self._send_to(name, message)
            except (BlockingIOError, FileNotFoundError):
                pass  # the owner of a full socket looks soon anyway; a missing one left just now
            except OSError as error:
                log.debug("wake-up not sent socket=%s error=%s", name, error)

    def _listeners(self) -> list[str]:
        """List the sockets. The folder is read only when it has changed: that takes longer than all the rest."""
        try:
            changed = os.stat(self._place).st_mtime_ns  # noqa: PTH116 (as above)
            if changed != self._listed_when:
                settled = abs(time.time_ns() - changed) > UNSETTLED
                self._listed_when = changed if settled else None
                self._listed = [name for name in os.listdir(self._place) if name.endswith(SOCKET)]  # noqa: PTH208
        except OSError as error:  # the commit stands, whether or not anybody hears of it
            log.debug("wake-up not sent folder=%s error=%s", self._place, error)
            self._listed, self._listed_when = [], None
        return self._listed

    def _send_to(self, name: str, message: bytes) -> None:
        try:
            if self._place.isascii() and len(self._place) + len(name) < LONGEST_ADDRESS:
                self._socket.sendto(message, f"{self._place}/{name}")
            else:
                with _address(self._folder / name) as address:
                    self._socket.sendto(message, address)
        except ConnectionRefusedError:
            (self._folder / name).unlink(missing_ok=True)  # its process died without removing it


class DatagramListener(Subscriptions, AbstractContextManager["DatagramListener"]):
    """Receives with one socket and one thread, for any number of subscriptions."""

    def __init__(self, folder: Path, *, texts: bool = True) -> None:
        self._path = folder / f"{uuid.uuid4()}{SOCKET if texts else OF_CHANGES}"
        self._socket = self._bound()
        super().__init__()
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name="wakeup", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        # A datagram ends the wait, which a shutdown does not do everywhere; without a socket the wait ends soon.
        with suppress(OSError), _address(self._path) as address:
            self._socket.sendto(b"", socket.MSG_DONTWAIT, address)
        self._path.unlink(missing_ok=True)
        self.hand_out(Changed(None))
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(1.0)
        self._socket.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> None:
        while not self._closed:
            try:
                message = self._socket.recv(LARGEST_DATAGRAM)
            except TimeoutError:
                self._bind_again()
                continue
            except OSError:
                return  # closed
            if message:
                for note in _notes(message):
                    self.hand_out(note)

    def _bind_again(self) -> None:
        """Bind the socket again where somebody removed it; where that fails, the next call tries it again."""
        if self._closed or self._path.exists():
            return
        try:
            lost, self._socket = self._socket, self._bound()
        except OSError as error:
            log.debug("not bound again path=%s error=%s", self._path, error)
        else:
            lost.close()
            self.hand_out(Changed(None))  # for all that was not heard meanwhile

    def _bound(self) -> socket.socket:
        filesystem.make_folder(self._path.parent)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            with _address(self._path) as address:
                bound.bind(address)
            self._path.chmod(0o660)
        except BaseException:
            bound.close()
            raise
        bound.settimeout(LOOK_EVERY)
        return bound


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Return a socket's address, which has room for 107 bytes (unix(7)), however long its path is."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _notes(message: bytes) -> list[Note]:
    try:
        match json.loads(message):
            case {"changed": [*prompt_ids]} if all(isinstance(one, str | None) for one in prompt_ids):
                return [Changed(prompt_id) for prompt_id in prompt_ids]
            case {"written": [*prompt_ids]} if all(isinstance(one, str) for one in prompt_ids):
                return [Written(prompt_id) for prompt_id in prompt_ids]
            case {"text": [str(prompt_id), int(attempt), int(offset), str(text)]} if attempt > 0 and offset >= 0:
                return [Text(prompt_id, attempt, offset, text)]
    except Exception:  # noqa: BLE001, S110 (nothing that anybody sends may end the thread, not even JSON nested without end)
        pass  # read as a message of a newer version
    return [Changed(None)]
