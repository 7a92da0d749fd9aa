"""One call as it looks on the wire: its status, its chunks one by one, and how it ends."""

import json
import socket
import struct

from support.waiting import DEADLINE


class Wire:
    """Asks over a connection of its own."""

    def __init__(self, port, path="/tiny", *, version="1.1", headers=None, buffer=None, method="POST", **body):
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        data = json.dumps(body).encode() if method == "POST" else b""
        said = {"Host": "localhost", "Content-Length": len(data), **(headers or {})}
        lines = [f"{name}: {value}" for name, value in said.items()]
        self.socket.sendall("\r\n".join([f"{method} {path} HTTP/{version}", *lines, "", ""]).encode() + data)
        self._file = self.socket.makefile("rb")
        self.is_whole = False

    def head(self):
        """Wait for the status; the headers are then in `headers`, in lower case."""
        line = self._file.readline().decode()
        self.headers = {}
        while field := self._file.readline().strip().decode():
            name, _, value = field.partition(": ")
            self.headers[name.lower()] = value
        return int(line.split()[1])

    def chunk(self):
        """Wait for the next chunk; None at the end, which `is_whole` if the server said that it is one."""
        try:
            size = self._file.readline()
            if not size.endswith(b"\r\n"):
                return None
            data = self._file.read(int(size, 16) + 2)
        except ConnectionResetError:
            return None
        if data == b"\r\n":
            self.is_whole = True
            return None
        return data.removesuffix(b"\r\n").decode() if data.endswith(b"\r\n") else None

    def chunks(self):
        """Read all that is left."""
        return list(iter(self.chunk, None))

    def rest(self):
        """Read to the end of the connection, or of what its Content-Length says."""
        length = self.headers.get("content-length")
        return self._file.read(-1 if length is None else int(length)).decode()

    def close(self):
        self._file.close()
        self.socket.close()

    def reset(self):
        """Go with a bang."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def half_close(self):
        """Say that nothing more will be sent, and go on reading."""
        self.socket.shutdown(socket.SHUT_WR)
