"""What the server is, in words for people, and where it promises less than they may think."""

from collections.abc import Mapping

from promptqueue.postgres.server.errors import storage_errors
from promptqueue.postgres.server.session import Session

DESCRIBED = """
    SELECT current_setting('server_version') AS version, current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('fsync') AS fsync, current_setting('synchronous_standby_names') <> '' AS wants_standbys,
           pg_backend_pid() AS backend,
           (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS standbys,
           (SELECT count(*) FROM pg_stat_replication WHERE sync_state IS NULL) AS hidden
"""
"""Of standbys a user sees no more than that they are there, unless it has the role pg_monitor."""


def description(session: Session) -> Mapping[str, str]:
    """Describe the server at the other end. Raises StorageUnavailable."""
    with storage_errors():
        [told] = session.execute(DESCRIBED).fetchall()
    # A pooler gives its clients numbers of its own by which they may cancel what they asked for.
    is_direct = session.pgconn.backend_pid == told["backend"]
    return {
        "kind": "postgresql",
        "version": told["version"],
        "connection": "direct" if is_direct else "through a pooler",
        "synchronous_commit": told["synchronous_commit"],
        "synchronous_standbys": _standbys(told["standbys"], told["hidden"], wants=told["wants_standbys"]),
        "fsync": "on" if told["fsync"] == "on" else "off: a power cut can destroy the queue",
    }


def _standbys(number: int, hidden: int, *, wants: bool) -> str:
    if not wants:
        return "none: what was accepted is on one machine's disk"
    if hidden:
        return "not known: grant pg_monitor to see them"
    return str(number) if number else "0: commits wait until one is there"
