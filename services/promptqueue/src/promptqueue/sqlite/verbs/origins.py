"""The verbs about the origin of prompts: by which protocol they came, who holds their calls, which holders are gone."""

from dataclasses import dataclass

from promptqueue.errors import PromptNotFound
from promptqueue.lifecycle import ANSWER_KEPT, HOLDER_GRACE
from promptqueue.owners.owner import EVERYBODY
from promptqueue.prompt import Origin, Prompt
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host import presence
from promptqueue.sqlite.verbs import rows
from promptqueue.sqlite.verbs.base import Verbs
from promptqueue.stored import stored_json, stored_object

HOLDERS = """
    WITH RECURSIVE held (holder) AS (
        SELECT min(holder) FROM holds WHERE is_open = 1 OR is_kept = 0
        UNION ALL
        SELECT (SELECT min(holder) FROM holds WHERE (is_open = 1 OR is_kept = 0) AND holder > held.holder)
        FROM held WHERE held.holder IS NOT NULL
    )
    SELECT holder FROM held WHERE holder IS NOT NULL
"""
"""Who holds prompts that are not completed, or not to be kept, from one step in the index for each of them."""


@dataclass(frozen=True, slots=True)
class Holders:
    """What is to be kept of holders that are gone."""

    lost: tuple[str, ...]  # found gone for the first time
    overdue: tuple[str, ...]  # gone for so long that nobody will come for their prompts
    settled: tuple[str, ...]  # of whom nothing need be known any more


def store(database: Database, seq: int, origin: Origin, echo: str) -> None:
    """Store where a new prompt comes from; `echo` is that of `origin` in JSON."""
    database.run(
        "INSERT INTO origins (seq, face, echo) VALUES (:seq, :face, :echo)", seq=seq, face=origin.face, echo=echo
    )
    if origin.holder is not None:
        database.run(
            "INSERT INTO holds (seq, holder, fingerprint, is_kept) VALUES (:seq, :holder, :fingerprint, :is_kept)",
            seq=seq,
            holder=origin.holder,
            fingerprint=origin.fingerprint,
            is_kept=int(origin.is_kept),
        )


def written(origin: Origin | None) -> str:
    """Give an origin's echo as it is stored; nothing where there is no origin."""
    return "" if origin is None else stored_json(origin.echo)


def take_over(database: Database, prompt_id: str, origin: Origin | None) -> None:
    """Let a prompt that came again under its key, and whose call is held, be held by whoever sent it last."""
    if origin and origin.holder is not None:
        database.run(
            "UPDATE holds SET holder = :holder WHERE seq = (SELECT seq FROM prompts WHERE id = :id)",
            holder=origin.holder,
            id=prompt_id,
        )


class OriginVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def origin(self, prompt_id: str) -> Origin | None:
        found = self._database.run(
            """
            SELECT face, echo, fingerprint, holder, coalesce(is_kept, 1) AS is_kept
            FROM prompts LEFT JOIN origins USING (seq) LEFT JOIN holds USING (seq)
            WHERE id = :id
            """,
            id=prompt_id,
        )
        if not found:
            raise PromptNotFound
        [row] = found
        echo = stored_object(row["echo"])
        if echo is None:
            return None
        return Origin(
            face=row["face"],
            echo=echo,
            fingerprint=row["fingerprint"],
            holder=row["holder"],
            is_kept=bool(row["is_kept"]),
        )

    def reattach(self, face: str, fingerprint: str, *, holder: str, owner: int = EVERYBODY) -> Prompt | None:
        if self._left_behind(face, fingerprint, owner) is None:
            return None
        with self._database.transaction():
            row = self._left_behind(face, fingerprint, owner)
            if row is None:  # somebody was quicker
                return None
            self._database.run("UPDATE holds SET holder = :holder WHERE seq = :seq", holder=holder, seq=row["seq"])
            return rows.prompt(row, self._clock)

    def let_go(self, prompt_id: str) -> None:
        with self._database.transaction(durable=False):
            self._database.run("DELETE FROM holds WHERE seq = (SELECT seq FROM prompts WHERE id = :id)", id=prompt_id)

    def _left_behind(self, face: str, fingerprint: str, owner: int) -> sqlite3.Row | None:
        """Find an owner's newest prompt of this fingerprint that can still be asked for and no living process holds."""
        found = self._database.run(
            """
            SELECT prompts.*, holder
            FROM holds JOIN origins USING (seq) JOIN prompts USING (seq)
            WHERE fingerprint = :fingerprint AND face = :face AND owner = :owner
              AND (is_open = 1 OR completed_at > :since)
            ORDER BY holds.seq DESC
            """,
            fingerprint=fingerprint,
            face=face,
            owner=owner,
            since=self._clock.wall() - ANSWER_KEPT,
        )
        return next((row for row in found if not self._is_held_by(row["holder"])), None)

    # ---- for recovery -----------------------------------------------------------------------------------------------

    def _look_at_holders(self) -> Holders:
        held = [row["holder"] for row in self._database.run(HOLDERS)]
        known = {row["holder"]: row for row in self._database.run("SELECT holder, boot, since FROM gone_holders")}
        gone = [each for each in held if not self._is_held_by(each)]
        noted = {each for each in gone if each in known and known[each]["boot"] == self._clock.boot}
        now = self._clock.monotonic()
        return Holders(
            lost=tuple(each for each in gone if each not in noted),
            overdue=tuple(each for each in gone if each in noted and known[each]["since"] + HOLDER_GRACE <= now),
            settled=tuple(known.keys() - set(gone)),
        )

    def _note(self, holders: Holders) -> None:
        for holder in holders.lost:
            self._database.run(
                "INSERT OR REPLACE INTO gone_holders (holder, boot, since) VALUES (:holder, :boot, :now)",
                holder=holder,
                boot=self._clock.boot,
                now=self._clock.monotonic(),
            )
        for holder in holders.settled:
            self._database.run("DELETE FROM gone_holders WHERE holder = :holder", holder=holder)

    def _left_by(self, holders: Holders, limit: int) -> list[str]:
        """Name at most so many prompts of each who has been gone for too long."""
        return [
            row["id"]
            for holder in holders.overdue
            for row in self._database.run(
                "SELECT id FROM holds JOIN prompts USING (seq) WHERE holder = :holder AND is_open = 1 LIMIT :limit",
                holder=holder,
                limit=limit,
            )
        ]

    def _unkept_by(self, holders: Holders, limit: int) -> list[sqlite3.Row]:
        """Find at most so many prompts of each who has been gone for too long that are over and not to be kept."""
        return [
            row
            for holder in holders.overdue
            if not self._is_held_by(holder)
            for row in self._database.run(
                """
                SELECT seq, id FROM holds JOIN prompts USING (seq)
                WHERE holder = :holder AND is_open = 0 AND is_kept = 0 LIMIT :limit
                """,
                holder=holder,
                limit=limit,
            )
        ]

    def _give_up(self, seq: int) -> None:
        """Let nobody who comes too late find a prompt that was abandoned; what is not to be kept is still to erase."""
        self._database.run("UPDATE holds SET fingerprint = NULL WHERE seq = :seq AND is_kept = 0", seq=seq)
        self._database.run("DELETE FROM holds WHERE seq = :seq AND is_kept = 1", seq=seq)

    def _is_abandoned(self, seq: int) -> bool:
        """Whether the process that holds this open prompt's call has been gone for too long."""
        found = self._database.run(
            """
            SELECT holder FROM holds JOIN gone_holders USING (holder)
            WHERE seq = :seq AND is_open = 1 AND boot = :boot AND since + :grace <= :now
            """,
            seq=seq,
            boot=self._clock.boot,
            grace=HOLDER_GRACE,
            now=self._clock.monotonic(),
        )
        return bool(found) and not self._is_held_by(found[0]["holder"])

    def _is_held_by(self, holder: str) -> bool:
        with self._database.storage_errors():
            return presence.is_alive(self._holders, holder)
