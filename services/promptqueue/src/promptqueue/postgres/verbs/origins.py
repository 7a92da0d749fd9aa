"""The verbs about the origin of prompts: by which protocol they came, who holds their calls, which holders are gone."""

from dataclasses import dataclass

from promptqueue.errors import PromptNotFound
from promptqueue.lifecycle import ANSWER_KEPT, HOLDER_GRACE
from promptqueue.owners.owner import EVERYBODY
from promptqueue.postgres.server.database import Database, Row
from promptqueue.postgres.verbs import rows
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.prompt import Origin, Prompt
from promptqueue.stored import stored_object

HOLDERS = """
    WITH RECURSIVE held (holder) AS (
        SELECT min(holder) FROM holds WHERE is_open OR NOT is_kept
        UNION ALL
        SELECT (SELECT min(holder) FROM holds WHERE (is_open OR NOT is_kept) AND holder > held.holder)
        FROM held WHERE held.holder IS NOT NULL
    )
    SELECT holder, held.holder IS NOT NULL AND NOT is_alive(held.holder) AS is_gone, since IS NOT NULL AS is_known,
           since + %(grace)s <= lease_time() AS is_overdue
    FROM (SELECT holder FROM held WHERE holder IS NOT NULL) AS held FULL JOIN gone_holders USING (holder)
"""
"""Who holds prompts that are not completed, or not to be kept, from one step in the index for each; and who did."""

LEFT_BEHIND = """
    SELECT holds.seq
    FROM holds JOIN prompts USING (seq) LEFT JOIN ended USING (seq)
    WHERE fingerprint = %(fingerprint)s AND face = %(face)s AND prompts.owner = %(owner)s
      AND (is_open OR completed_at > (SELECT wall()) - %(kept)s) AND NOT is_alive(holder)
    ORDER BY holds.seq DESC LIMIT 1
"""
"""An owner's newest prompt of this fingerprint that can still be asked for and no living process holds."""

TAKE_OVER = f"""
    WITH mine AS MATERIALIZED ({LEFT_BEHIND} FOR UPDATE OF holds)
    UPDATE holds SET holder = %(holder)s FROM mine WHERE holds.seq = mine.seq
    RETURNING (SELECT id FROM prompts WHERE prompts.seq = holds.seq) AS id
"""  # noqa: S608 (it is our own)


LET_GO = """
    WITH named AS MATERIALIZED (SELECT seq FROM prompts WHERE id = %(id)s),
    locked AS MATERIALIZED (SELECT line.seq FROM line JOIN named USING (seq) FOR UPDATE OF line)
    DELETE FROM holds WHERE seq = (SELECT seq FROM named) AND (SELECT count(*) FROM locked) >= 0
"""
"""The line's row first, as whatever ends a prompt does: else each of two could wait for the other."""


@dataclass(frozen=True, slots=True)
class Holders:
    """What is to be kept of holders that are gone."""

    lost: tuple[str, ...]  # found gone for the first time
    overdue: tuple[str, ...]  # gone for so long that nobody will come for their prompts
    settled: tuple[str, ...]  # of whom nothing need be known any more


def take_over(database: Database, prompt_id: str, origin: Origin | None) -> None:
    """Let a prompt that came again under its key, and whose call is held, be held by whoever sent it last."""
    if origin and origin.holder is not None:
        database.run(
            "UPDATE holds SET holder = %(holder)s WHERE seq = (SELECT seq FROM prompts WHERE id = %(id)s)",
            holder=origin.holder,
            id=prompt_id,
        )


class OriginVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def origin(self, prompt_id: str) -> Origin | None:
        found = rows.is_id(prompt_id) and self._database.run(
            """
            SELECT face, echo, fingerprint, holder, coalesce(is_kept, true) AS is_kept
            FROM prompts LEFT JOIN holds USING (seq) WHERE id = %(id)s
            """,
            id=prompt_id,
        )
        if not found:
            raise PromptNotFound
        [row] = found
        echo = stored_object(row["echo"])
        if echo is None:
            return None
        held = {name: row[name] for name in ("fingerprint", "holder", "is_kept")}
        return Origin(face=row["face"], echo=echo, **held)

    def reattach(self, face: str, fingerprint: str, *, holder: str, owner: int = EVERYBODY) -> Prompt | None:
        wanted = {"face": face, "fingerprint": fingerprint, "owner": owner, "kept": ANSWER_KEPT}
        if not self._database.run(LEFT_BEHIND, **wanted):
            return None
        with self._database.transaction():
            taken = self._database.run(TAKE_OVER, holder=holder, **wanted)
            return rows.prompt(rows.find(self._database, str(taken[0]["id"]))) if taken else None

    def let_go(self, prompt_id: str) -> None:
        if rows.is_id(prompt_id):
            self._database.run_relaxed(LET_GO, id=prompt_id)

    # ---- for recovery -----------------------------------------------------------------------------------------------

    def _look_at_holders(self) -> Holders:
        held = self._database.run(HOLDERS, grace=HOLDER_GRACE)
        return Holders(
            lost=tuple(row["holder"] for row in held if row["is_gone"] and not row["is_known"]),
            overdue=tuple(row["holder"] for row in held if row["is_gone"] and row["is_overdue"]),
            settled=tuple(row["holder"] for row in held if row["is_known"] and not row["is_gone"]),
        )

    def _note(self, holders: Holders) -> None:
        if holders.lost:
            self._database.run(
                """
                INSERT INTO gone_holders (holder, since)
                SELECT holder, lease_time() FROM unnest(%(lost)s::text[]) AS holder
                ON CONFLICT (holder) DO NOTHING
                """,
                lost=sorted(holders.lost),
            )
        if holders.settled:
            self._database.run("DELETE FROM gone_holders WHERE holder = ANY(%(settled)s)", settled=[*holders.settled])

    def _left_by(self, holders: Holders, limit: int) -> list[str]:
        """Name at most so many prompts of each who has been gone for too long."""
        found = self._of(holders, "is_open", limit)
        return [str(row["id"]) for row in found]

    def _unkept_by(self, holders: Holders, limit: int) -> list[Row]:
        """Find at most so many prompts of each who has been gone for too long that are over and not to be kept."""
        return self._of(holders, "NOT is_open AND NOT is_kept AND NOT is_alive(holds.holder)", limit)

    def _of(self, holders: Holders, which: str, limit: int) -> list[Row]:
        if not holders.overdue:
            return []
        return self._database.run(
            f"""
            SELECT seq, id FROM unnest(%(holders)s::text[]) AS gone (holder)
            CROSS JOIN LATERAL (
                SELECT seq FROM holds WHERE holds.holder = gone.holder AND {which} LIMIT %(limit)s
            ) AS of_holder
            JOIN prompts USING (seq)
            """,  # noqa: S608 (it is our own)
            holders=[*holders.overdue],
            limit=limit,
        )

    def _give_up(self, seq: int) -> None:
        """Let nobody who comes too late find a prompt that was abandoned; what is not to be kept is still to erase."""
        self._database.run("UPDATE holds SET fingerprint = NULL WHERE seq = %(seq)s AND NOT is_kept", seq=seq)
        self._database.run("DELETE FROM holds WHERE seq = %(seq)s AND is_kept", seq=seq)

    def _is_abandoned(self, seq: int) -> bool:
        """Whether the process that holds this open prompt's call has been gone for too long."""
        found = self._database.run(
            """
            SELECT holder FROM holds JOIN gone_holders USING (holder)
            WHERE seq = %(seq)s AND is_open AND since + %(grace)s <= lease_time() AND NOT is_alive(holder)
            """,
            seq=seq,
            grace=HOLDER_GRACE,
        )
        return bool(found)
