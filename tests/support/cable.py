"""A cable between two programs: bytes go over it as they are, until it is cut, or falls silent.

It is a process of its own: what goes over it does not wait for the threads of a test. This file is its program.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

A_RESET = struct.pack("ii", 1, 0)
CHUNK = 65_536  # bytes
ENDED_WITHIN = 10  # seconds


class Cable:
    """Its near end is `port` of this machine; at its far end listens `server`, whether or not it is there yet."""

    def __init__(self, server: int, *, port: int = 0) -> None:
        command = [sys.executable, str(Path(__file__)), str(server), str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._said())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def shake(self) -> int:
        """Reset the connections that there are; new ones are made as before. How many there were."""
        return self._do("shake")

    def cut(self) -> int:
        """Reset the connections that there are, and let none be made, until it is mended."""
        return self._do("cut")

    def hush(self) -> int:
        """Keep back whatever is sent, without a word to either side, until it is mended; how many connections wait."""
        return self._do("hush")

    def mend(self) -> None:
        """Be whole again: what was kept back goes on."""
        self._do("mend")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(ENDED_WITHIN)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def _do(self, word: str) -> int:
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return int(self._said())

    def _said(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


class _Far:
    """The program's side: every connection that goes over the cable."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._is_cut = False
        self._is_loud = asyncio.Event()
        self._is_loud.set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead one connection to the server, and whatever it brings."""
        self._ends.add(writer)
        try:
            await self._is_loud.wait()
            if self._is_cut:
                return
            back, there = await asyncio.open_connection("127.0.0.1", self._server)
            self._ends.add(there)
            try:
                await asyncio.gather(self._pass_on(reader, there), self._pass_on(back, writer))
            finally:
                self._reset(there)
        except OSError:
            pass  # what is reset on one side is so on the other
        finally:
            self._reset(writer)

    def obey(self, word: str) -> int:
        """Do as it is told; how many connections that met."""
        number = len(self._ends) // 2
        match word:
            case "hush":
                self._is_loud.clear()
            case "cut" | "shake":
                self._is_cut = word == "cut"
                for end in list(self._ends):
                    self._reset(end)
            case _:
                self._is_cut = False
                self._is_loud.set()
        return number

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self._is_loud.wait()
            target.write(data)
            await target.drain()
        await self._is_loud.wait()
        target.write_eof()

    def _reset(self, end: asyncio.StreamWriter) -> None:
        self._ends.discard(end)
        with contextlib.suppress(OSError):
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, A_RESET)
        end.transport.abort()


async def _serve(server: int, port: int) -> None:
    far = _Far(server)
    listener = await asyncio.start_server(far.join, "127.0.0.1", port, backlog=256)
    sys.stdout.write(f"{listener.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    words = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    while word := await words.readline():
        sys.stdout.write(f"{far.obey(word.decode().strip())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
