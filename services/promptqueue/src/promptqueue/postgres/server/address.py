"""The address of a queue in PostgreSQL: libpq's URL, and one parameter of our own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from promptqueue.errors import StorageUnavailable
from promptqueue.settings import without_secrets

SCHEMES = ("postgresql", "postgres")
PASSWORD_FILE = "password_file"  # noqa: S105 (a parameter's name)
CONNECT_TIMEOUT = 5  # seconds

DEFAULTS = {
    "connect_timeout": CONNECT_TIMEOUT,
    "application_name": "ollama-proxy",
    "target_session_attrs": "read-write",  # of several hosts the primary
    # Whether the server is still there, asked by the kernel: a cut that nobody announces is known after six seconds.
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,  # milliseconds
}
"""Unless the URL says otherwise (https://www.postgresql.org/docs/current/libpq-connect.html)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, and who comes."""

    url: str  # for libpq, without what is ours
    password_file: Path | None  # holds the password

    def conninfo(self) -> str:
        """Write it for libpq. The password is read anew: it may have changed. Raises StorageUnavailable."""
        parameters: dict[str, Any] = {**DEFAULTS, **conninfo_to_dict(self.url)}
        if self.password_file is not None:
            try:
                parameters["password"] = self.password_file.read_text("utf-8").strip("\r\n")
            except OSError as error:
                message = f"The password of the queue's PostgreSQL cannot be read: {error}."
                raise StorageUnavailable(message) from error
        return make_conninfo(**parameters)


def address_of(url: str) -> Address:
    """Read a URL such as `postgresql://user@host/database?password_file=/run/secrets/password`. Raises ValueError."""
    where, _, query = url.partition("?")
    parameters = [each.partition("=") for each in query.split("&") if each]
    files = [unquote(value) for name, _, value in parameters if name == PASSWORD_FILE]
    rest = "&".join("".join(each) for each in parameters if each[0] != PASSWORD_FILE)
    ours = f"{where}?{rest}" if rest else where
    try:
        database = conninfo_to_dict(ours).get("dbname")
    except ProgrammingError:
        database = None
    if where.partition("://")[0] not in SCHEMES or not database or len(files) > 1 or "" in files:
        message = f"DATABASE_URL must look like postgresql://user@host/database, got {without_secrets(url)!r}."
        raise ValueError(message)
    return Address(ours, Path(files[0]) if files else None)
