"""What is done to a queue in PostgreSQL by the server's own programs: the command to type, without a password."""

import shlex
from urllib.parse import urlsplit, urlunsplit


def backup(url: str, file: str) -> str:
    """Say how the queue at `url` is copied."""
    typed = _typed(url, "pg_dump", "-Fc", "-f", file)
    return f"A queue in PostgreSQL is copied by pg_dump, while everything runs: {typed}"


def restore(url: str, file: str) -> str:
    """Say how a copy takes the place of the queue at `url`."""
    typed = _typed(url, "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "-d", last=file)
    return f"A queue in PostgreSQL is brought back by pg_restore, with every proxy and worker ended: {typed}"


def compact(url: str) -> str:
    """Say how the room of erased prompts goes back to the disk."""
    typed = _typed(url, "vacuumdb", "--full", "-d")
    return (
        "PostgreSQL uses the room of erased prompts again by itself; to give it back to the disk, with every proxy and "
        f"worker ended: {typed}"
    )


def _typed(url: str, *words: str, last: str = "") -> str:
    """Write a command with the queue's address; the password comes from its file, or the program asks for it."""
    from promptqueue.postgres.server.address import address_of  # noqa: PLC0415 (psycopg may not be installed)

    address = address_of(url)
    parts = urlsplit(address.url)
    user, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}"))
    command = shlex.join([*words, bare, *([last] if last else [])])
    if address.password_file is None:
        return command
    return f'PGPASSWORD="$(cat {shlex.quote(str(address.password_file))})" {command}'
