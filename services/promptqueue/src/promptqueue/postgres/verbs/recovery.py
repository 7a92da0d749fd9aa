"""The verbs of maintenance that move what is overdue or abandoned: settle, recover. Any number of hosts may."""

from collections.abc import Collection
from dataclasses import replace

from promptqueue.condition import Recovered
from promptqueue.lifecycle import ABANDONED, EXPIRED, HOLDER_GRACE, TIMED_OUT, after, is_in_sight
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs import rows
from promptqueue.postgres.verbs.attempt import CANCEL, EXPIRE, AttemptVerbs, Held
from promptqueue.postgres.verbs.origins import Holders, OriginVerbs
from promptqueue.postgres.verbs.whole.folding import fold
from promptqueue.prompt import Failed, Outcome, Prompt, Status

ENDED_AT_ONCE = 500  # of each kind, in one commit: a longer one would be felt
ERASED_AT_ONCE = 100

LOOK = """
    SELECT line.*, prompts.id, lease_time() AS now, wall() AS wall, is_alive(line.worker) AS is_alive,
           coalesce((SELECT has_left FROM presences WHERE presences.id = line.worker), false) AS has_left,
           EXISTS (
               SELECT FROM holds JOIN gone_holders USING (holder)
               WHERE holds.seq = line.seq AND is_open AND since + %(grace)s <= lease_time() AND NOT is_alive(holder)
           ) AS is_abandoned
    FROM line JOIN prompts USING (seq)
"""
IN_HAND = f"{LOOK} WHERE line.status = 'processing'"
EXPIRED_ONES = """
    SELECT id FROM line JOIN prompts USING (seq)
    WHERE line.status = 'queued' AND line.expires_at <= (SELECT wall()) LIMIT %(limit)s
"""
LOCKED = f"{LOOK} WHERE prompts.id = ANY(%(ids)s::uuid[]) ORDER BY line.seq FOR UPDATE OF line"
LOCKED_IF_FREE = f"{LOCKED} SKIP LOCKED"

CARE = """
    SELECT era <> era() OR NOT EXISTS (SELECT FROM witness) AS is_new_era,
           EXISTS (
               SELECT FROM presences
               WHERE NOT is_alive(id)
                 AND NOT EXISTS (SELECT FROM line WHERE status = 'processing' AND worker = presences.id)
                 AND NOT EXISTS (SELECT FROM holds WHERE holder = presences.id AND (is_open OR NOT is_kept))
           ) AS has_gone
    FROM control
"""
BEGIN_ERA = """
    WITH begun AS (
        UPDATE control SET era = era() WHERE era <> era() OR NOT EXISTS (SELECT FROM witness)
        RETURNING lease_time() AS now
    ),
    witnessed AS (INSERT INTO witness SELECT true FROM begun ON CONFLICT DO NOTHING)
    UPDATE line
    SET leased_until = now + lease_seconds, run_until = greatest(run_until, now + lease_seconds)
    FROM begun WHERE status = 'processing'
"""
"""Another server, or the same one after a start or a crash: nobody could renew a lease, and no lock has survived."""

FORGET = """
    DELETE FROM presences
    WHERE NOT is_alive(id)
      AND NOT EXISTS (SELECT FROM line WHERE status = 'processing' AND worker = presences.id)
      AND NOT EXISTS (SELECT FROM holds WHERE holder = presences.id AND (is_open OR NOT is_kept))
"""
"""Processes that are gone and of whom nothing need be known any more. One that was only cut off enters again."""

UNKEPT = """
    SELECT seq FROM ended JOIN holds USING (seq)
    WHERE seq = %(seq)s AND NOT is_open AND NOT is_kept AND NOT is_alive(holder)
    FOR UPDATE SKIP LOCKED
"""


class RecoveryVerbs(AttemptVerbs, OriginVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def settle(self, prompt_id: str) -> Prompt:
        rows.known(prompt_id)
        with self._database.transaction():
            self._see_era()
            self._settle([prompt_id], LOCKED)
            return rows.prompt(rows.find(self._database, prompt_id))

    def recover(self) -> Recovered:
        self._see_era()
        if not self._database.is_in_transaction:
            fold(self._database)
        holders = self._look_at_holders()
        overdue = self._overdue(holders)
        unkept = self._unkept_by(holders, limit=ERASED_AT_ONCE)
        if not overdue and not unkept and not holders.lost and not holders.settled:
            return Recovered()
        with self._database.transaction(durable=bool(overdue or unkept)):
            settled = self._settle(overdue, LOCKED_IF_FREE)
            # Those too that have just been cancelled.
            erased = sum(self._erase(row) for row in self._unkept_by(holders, limit=ERASED_AT_ONCE))
            self._note(holders)
        return Recovered(
            requeued=settled.count("queued"),
            failed=settled.count("failed"),
            expired=settled.count("expired"),
            cancelled=settled.count("cancelled"),
            erased=erased,
        )

    def is_behind(self) -> bool:
        [seen] = self._database.run(CARE)
        holders = self._look_at_holders()
        overdue = self._overdue(holders, limit=1, is_era_known=not seen["is_new_era"])
        return bool(overdue or self._unkept_by(holders, limit=1))

    def _see_era(self) -> None:
        """See whether the server is another one, or has been started again; forget who is gone."""
        [seen] = self._database.run(CARE)
        if seen["is_new_era"]:
            self._database.run(BEGIN_ERA)
        if seen["has_gone"]:
            self._database.run_relaxed(FORGET)

    def _overdue(self, holders: Holders, limit: int = ENDED_AT_ONCE, *, is_era_known: bool = True) -> list[str]:
        in_hand = self._database.run(IN_HAND, grace=HOLDER_GRACE) if is_era_known else []
        lost = [str(row["id"]) for row in in_hand if _loss(row)]
        expired = [str(row["id"]) for row in self._database.run(EXPIRED_ONES, limit=limit)]
        return [*dict.fromkeys([*lost, *expired, *self._left_by(holders, limit)])]

    def _settle(self, prompt_ids: Collection[str], look: str) -> list[str | None]:
        """Move prompts of which a deadline has passed, or whose client is gone; where to, None if one stays."""
        if not prompt_ids:
            return []
        return [self._move(row) for row in self._database.run(look, ids=list(prompt_ids), grace=HOLDER_GRACE)]

    def _move(self, row: Row) -> str | None:
        prompt_id = str(row["id"])
        if row["is_abandoned"]:
            self._complete(CANCEL, row["seq"], prompt_id, Outcome.CANCELLED, ABANDONED)
            self._give_up(row["seq"])
            return Outcome.CANCELLED
        if row["status"] == Status.PROCESSING:
            loss = _loss(row)
            return self._take_back(row, loss) if loss else None
        return self._expire(row["seq"], prompt_id) if rows.is_overdue(row) else None

    def _take_back(self, row: Row, loss: Failed) -> str:
        to = after(loss, failures=row["failures"], max_failures=row["max_failures"])
        if loss is not TIMED_OUT:  # nobody pays for what a worker that is gone did, or did not
            to = replace(to, is_charged=False)
        held = Held(prompt_id=str(row["id"]), seq=row["seq"], attempt=row["attempt"], worker=row["worker"])
        ended = self._end(held, to)
        if not to.outcome and rows.is_overdue(ended):  # back in line, where it waited as long as it may
            return self._expire(row["seq"], held.prompt_id)
        return to.outcome or to.status

    def _expire(self, seq: int, prompt_id: str) -> str:
        self._complete(EXPIRE, seq, prompt_id, Outcome.EXPIRED, EXPIRED)
        return Outcome.EXPIRED

    def _erase(self, row: Row) -> bool:
        """Erase what is over and not to be kept, unless somebody has come for it meanwhile."""
        is_erased = bool(self._database.run(UNKEPT, seq=row["seq"])) and rows.erase(self._database, row["seq"])
        if is_erased:
            self._database.changed(str(row["id"]))
        return is_erased


def _loss(row: Row) -> Failed | None:
    is_alive = row["is_alive"] or (
        not row["has_left"]
        and is_in_sight(now=row["now"], leased_until=row["leased_until"], lease_seconds=row["lease_seconds"])
    )
    return rows.loss(row, is_alive=is_alive)
