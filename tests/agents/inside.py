"""Run a command in a network that has nothing but a door: `unshare --net python inside.py SOCKET PORT COMMAND …`.

The door is PORT of 127.0.0.1; who connects to it is led to the Unix socket, which networks do not keep apart.
"""

import fcntl
import socket
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.passage import passage

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # of Linux
REQUEST = "16sh14x"  # struct ifreq: a name and flags


def raise_loopback() -> None:
    """Do what `ip link set lo up` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack(REQUEST, b"lo", 0))
        _, flags = struct.unpack(REQUEST, answer)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack(REQUEST, b"lo", flags | IFF_UP))


def main(path: str, port: str, *command: str) -> int:
    def connect() -> socket.socket:
        outside = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        outside.connect(path)
        return outside

    raise_loopback()
    with passage(socket.create_server(("127.0.0.1", int(port))), connect):
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
