"""The server's errors, each as one sentence that also says what to do."""

import psycopg

from promptqueue.errors import Collided, StorageUnavailable

REMEDIES = {
    "25006": "it is a standby, so name the primary in DATABASE_URL, or all of them; target_session_attrs finds it",
    "28": "the server does not let this user in, so look at user and password in DATABASE_URL, and at pg_hba.conf",
    "3D": "make the database, or name another one in DATABASE_URL",
    "42501": "let the user of DATABASE_URL own the database, or grant it what it lacks",
    "42P01": "somebody moved or removed its tables, so bring them back, or name another database in DATABASE_URL",
    "53": "the server lacks something, so give it room, memory or connections; everything then goes on by itself",
    "57P": "the server stops or starts; everything goes on by itself once it is there",
    "57014": "it took longer than it may, so look what else the server does",
    "55P03": "somebody else holds a lock, so let that one finish",
    "40": "it met another transaction, so do it again",
}
"""What to do, by how the SQLSTATE begins (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

OURS = ("22", "23", "42")
"""Classes of errors that are mistakes of ours: data, constraints, syntax."""

NOT_OURS = ("42501", "42P01")
"""But that somebody may not do it, or that a table is gone, is none."""

AGAIN = ("40001", "40P01")
"""What is tried once more before anybody hears of it: it met another transaction, and changed nothing."""


class storage_errors:  # noqa: N801 (read as a verb: with storage_errors(): …)
    """Raises StorageUnavailable for an error of the server, or of the way to it, inside."""

    # Every statement passes here: a generator would cost four times as much.
    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, psycopg.Error) and is_the_servers(error):
            refusal = Collided if may_be_tried_again(error) else StorageUnavailable
            raise refusal(_words(error)) from error


def is_the_servers(error: psycopg.Error) -> bool:
    """Whether it is the server's, or of the way to it, and no mistake of ours."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state in NOT_OURS or not state.startswith(OURS)


def may_be_tried_again(error: psycopg.Error) -> bool:
    """Whether nothing is wrong but another transaction that this one met."""
    return error.sqlstate in AGAIN


def _words(error: psycopg.Error) -> str:
    state = error.sqlstate or ""
    remedy = next((words for prefix, words in REMEDIES.items() if state.startswith(prefix)), "")
    said = " ".join((error.diag.message_primary or str(error)).split()).rstrip(".")
    return f"The queue's PostgreSQL cannot be used: {said}{remedy and f'; {remedy}'}."
