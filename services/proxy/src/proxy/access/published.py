"""Published: a product that others can reach asks them for a key, unless somebody has said that it need not."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from ipaddress import ip_address

from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from promptqueue.settings import read_or_exit

from proxy.config import Config

OPEN = (
    "Nothing is started, because at {address} others could use it and fill it without an API key: make a key with "
    "python -m promptqueue keys add NAME (under Docker: docker compose run --rm worker python -m promptqueue keys add "
    "NAME) and start again, or say OPEN_TO_EVERYBODY=yes if anybody may, or leave BIND_ADDRESS out for this machine "
    "alone."
)
UNKNOWN = (
    "Nothing is started, because others could reach it at {address}, and whether they need an API key cannot be read: "
    "{reason}"
)


def check(config: Config, environment: Mapping[str, str]) -> None:
    """Let this process go on, or end it with one sentence and exit code 2.

    Another process looks into the queue: a database that was opened before Gunicorn forks must not be used after it.
    """
    if config.open_to_everybody == "yes" or is_of_this_machine(config.published):
        return
    looked = subprocess.run([sys.executable, "-m", "proxy.access.published"], env=environment, check=False)
    if looked.returncode:
        sys.exit(looked.returncode)


def is_of_this_machine(address: str) -> bool:
    """Whether nobody but this machine reaches this address, or the addresses of this name."""
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ip_address(str(each[4][0]).partition("%")[0]).is_loopback for each in found)


def main() -> int:
    """Look for a key, a revoked one too; the exit code, with a sentence where there is none."""
    config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
    try:
        with closing(connect(config.database_url, journal_mode=config.journal_mode).open()) as queue:
            sentence = None if queue.keyring() else OPEN.format(address=config.published)
    except StorageUnavailable as error:
        sentence = UNKNOWN.format(address=config.published, reason=error)
    if sentence is None:
        return 0
    print(sentence, file=sys.stderr)  # noqa: T201 (the process ends before it has a log)
    return 2


if __name__ == "__main__":
    sys.exit(main())
