"""The verbs that make room: prune, erase_unrun, compact."""

from promptqueue.lifecycle import KEY_LIFETIME
from promptqueue.owners.deed import DEED_LIFETIME
from promptqueue.postgres.verbs.whole.timekeeping import Timekeeping

SMALL_AT_ONCE = 1_000  # old Idempotency-Keys, and as many old deeds, that one commit of `prune` erases
BYTES_AT_ONCE = 8 * 1024 * 1024  # of texts after which one commit erases no more prompts

OLD = """
    SELECT EXISTS (SELECT 1 FROM ended WHERE completed_at < clock.wall - %(older_than)s) AS prompts,
           EXISTS (SELECT 1 FROM idempotency_keys WHERE created_at < clock.wall - %(key_lifetime)s) AS keys,
           EXISTS (SELECT 1 FROM audit WHERE at < clock.wall - %(deed_lifetime)s) AS deeds
    FROM (SELECT wall() AS wall) AS clock
"""

PRUNE = """
    WITH old AS MATERIALIZED (
        SELECT seq FROM ended WHERE completed_at < (SELECT wall()) - %(older_than)s
        ORDER BY completed_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ),
    sized AS (
        SELECT seq, sum(bytes) OVER (ORDER BY seq) - bytes AS before FROM (
            SELECT seq, prompts.bytes + ended.bytes AS bytes FROM old JOIN prompts USING (seq) JOIN ended USING (seq)
        ) AS old
    ),
    erased AS (
        DELETE FROM ended USING sized WHERE ended.seq = sized.seq AND before < %(bytes)s
        RETURNING ended.seq, ended.bytes
    ),
    of_partials AS (DELETE FROM partials USING erased WHERE partials.seq = erased.seq),
    of_holds AS (DELETE FROM holds USING erased WHERE holds.seq = erased.seq),
    gone AS (
        DELETE FROM prompts USING erased WHERE prompts.seq = erased.seq
        RETURNING prompts.lane, prompts.owner, prompts.bytes + erased.bytes AS bytes
    ),
    counted_off AS (
        INSERT INTO tally (lane, owner, bytes, completed)
        SELECT lane, owner, -sum(bytes), -count(*) FROM gone GROUP BY lane, owner
    )
    SELECT count(*) AS prompts FROM erased
"""
"""Whoever retries a prompt takes its row of `ended` first: either of the two comes too late."""

PRUNE_KEYS = """
    DELETE FROM idempotency_keys WHERE key IN (
        SELECT key FROM idempotency_keys WHERE created_at < (SELECT wall()) - %(key_lifetime)s
        ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
"""
PRUNE_DEEDS = """
    DELETE FROM audit WHERE number IN (
        SELECT number FROM audit WHERE at < (SELECT wall()) - %(deed_lifetime)s
        ORDER BY at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
"""

UNRUN = """
    SELECT EXISTS (
        SELECT 1 FROM ended WHERE attempt = 0 AND NOT is_erased AND completed_at < (SELECT wall()) - %(older_than)s
    ) AS prompts
"""

ERASE_UNRUN = """
    WITH old AS MATERIALIZED (
        SELECT seq FROM ended
        WHERE attempt = 0 AND NOT is_erased AND completed_at < (SELECT wall()) - %(older_than)s
        ORDER BY completed_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ),
    erased AS (
        UPDATE ended SET is_erased = true FROM old WHERE ended.seq = old.seq RETURNING ended.seq
    ),
    of_holds AS (DELETE FROM holds USING erased WHERE holds.seq = erased.seq),
    sized AS (SELECT seq, lane, owner, bytes FROM prompts JOIN erased USING (seq)),
    emptied AS (
        UPDATE prompts SET request = NULL, face = NULL, echo = NULL, bytes = 0 FROM erased
        WHERE prompts.seq = erased.seq
    ),
    counted_off AS (
        INSERT INTO tally (lane, owner, bytes) SELECT lane, owner, -sum(bytes) FROM sized GROUP BY lane, owner
    )
    SELECT count(*) AS prompts FROM erased
"""


class RetentionVerbs(Timekeeping):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def prune(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        if agreed_for and self.agreement() < agreed_for:
            return 0
        lifetimes = {"key_lifetime": KEY_LIFETIME, "deed_lifetime": DEED_LIFETIME}
        [old] = self._database.run(OLD, older_than=older_than, **lifetimes)
        if not any(old.values()):
            return 0
        with self._database.transaction(durable=False):
            [erased] = self._database.run(PRUNE, older_than=older_than, limit=limit, bytes=BYTES_AT_ONCE)
            if old["keys"]:
                self._database.run(PRUNE_KEYS, key_lifetime=KEY_LIFETIME, limit=SMALL_AT_ONCE)
            if old["deeds"]:
                self._database.run(PRUNE_DEEDS, deed_lifetime=DEED_LIFETIME, limit=SMALL_AT_ONCE)
        return int(erased["prompts"])

    def erase_unrun(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        if agreed_for and self.agreement() < agreed_for:
            return 0
        [old] = self._database.run(UNRUN, older_than=older_than)
        if not old["prompts"]:
            return 0
        [erased] = self._database.run_relaxed(ERASE_UNRUN, older_than=older_than, limit=limit)
        return int(erased["prompts"])

    def compact(self) -> int:
        """Nothing can be given back in steps: the server uses again what was erased, once it has vacuumed."""
        return 0

    def prunable(self, *, older_than: float) -> int:
        [old] = self._database.run(
            "SELECT count(*) AS prompts FROM ended WHERE completed_at < (SELECT wall()) - %(older_than)s",
            older_than=older_than,
        )
        return int(old["prompts"])
