"""The verbs in memory of whoever cares for the queue."""

import json
import secrets
from dataclasses import replace

from promptqueue.condition import Counts, Recovered, Room, Server, summary
from promptqueue.lifecycle import ABANDONED, EXPIRED, GRACE, HOLDER_GRACE, KEY_LIFETIME, TIMED_OUT, after, loss
from promptqueue.owners.deed import DEED_LIFETIME
from promptqueue.owners.turn import Turn
from promptqueue.prompt import Outcome, Priority, Status
from promptqueue.stored import storable, stored_json, stored_object

from .usage import Taken

DAY = 24 * 3600.0
STEP = 60.0
PLENTY = 2**40  # bytes
NEWEST = 300  # answers, by which the speed of servers is known
UNHELD = {"holder": None, "fingerprint": None, "is_kept": True}


class Care(Taken):
    def settle(self, prompt_id):
        with self.transaction():
            self._settle(self._row(prompt_id))
            return self.get(prompt_id)

    def recover(self):
        gone = {each: self._state.gone.get(each, self._clock.monotonic()) for each in self._gone_holders()}
        if not self.is_behind() and gone == self._state.gone:
            return Recovered()
        with self.transaction():
            settled = [self._settle(row) for row in [*self._state.rows.values()]]
            unkept = [row for row in self._state.rows.values() if self._is_to_erase(row)]
            for row in unkept:
                self._erase(row)
                self._changed.add(row.prompt.id)
            self._work.gone = gone
        return Recovered(
            requeued=settled.count("queued"),
            failed=settled.count("failed"),
            expired=settled.count("expired"),
            cancelled=settled.count("cancelled"),
            erased=len(unkept),
        )

    def is_behind(self):
        return any(self._may_settle(row) or self._is_to_erase(row) for row in self._state.rows.values())

    def prune(self, *, older_than, limit=100, agreed_for=0.0):
        now = self._clock.wall()
        if agreed_for and self.agreement() < agreed_for:
            return 0
        old = self._completed_before(now - older_than)[:limit]
        stale = [key for key, known in self._state.keys.items() if known.since < now - KEY_LIFETIME]
        deeds = [deed for deed in self._state.deeds if deed.at >= now - DEED_LIFETIME]
        if old or stale or deeds != self._state.deeds:
            with self.transaction():
                for row in old:
                    self._erase(row)
                for key in stale:
                    del self._work.keys[key]
                self._work.deeds = deeds
        return len(old)

    def prunable(self, *, older_than):
        return len(self._completed_before(self._clock.wall() - older_than))

    def erase_unrun(self, *, older_than, limit=100, agreed_for=0.0):
        if agreed_for and self.agreement() < agreed_for:
            return 0
        ended = self._completed_before(self._clock.wall() - older_than)
        unrun = [row for row in ended if not row.prompt.attempt and row.request is not None][:limit]
        if unrun:
            with self.transaction():
                for row in unrun:
                    self._keep(replace(row, request=None, origin=None, size=0))
        return len(unrun)

    def agreement(self):
        elapsed = self._clock.elapsed()
        if self._state.agreed_since is not None and not self._is_out_of_step():
            return elapsed - self._state.agreed_since
        with self.transaction():
            self._work.agreed_since, self._work.agreed_offset = elapsed, self._clock.wall() - elapsed
        return 0.0

    def compact(self):
        return 0

    def counts(self):
        line, answers = self._line(), [row for row in self._completed() if row.ran_seconds is not None]
        last = sorted(answers, key=lambda row: row.prompt.completed_at)[-20:]
        now, statuses = self._clock.wall(), [row.prompt.status for row in self._state.rows.values()]
        return Counts(
            queued=len(line),
            lanes={lane: sum(row.prompt.priority is lane for row in line) for lane in Priority},
            processing=statuses.count("processing"),
            completed=statuses.count("completed"),
            oldest_wait_seconds=max(0.0, now - min(row.waiting_since for row in line)) if line else None,
            completed_per_minute=sum(row.prompt.completed_at > now - 60 for row in answers),
            seconds_per_prompt=sum(row.ran_seconds for row in last) / len(last) if last else None,
            paused=self._state.paused,
        )

    def turns(self):
        return [
            Turn(
                owner=owner.name,
                lane=lane,
                waiting=len(waiting),
                running=running,
                oldest_wait_seconds=self._clock.wall() - waiting[0].waiting_since if waiting else None,
            )
            for lane in Priority
            for owner in self._state.owners.values()
            for waiting in [self._line_of(lane, owner.number)]
            for running in [sum(row.prompt.priority is lane for row in self._running(owner.number))]
            if waiting or running
        ]

    def room(self):
        texts = sum(len(json.dumps([row.request, row.answer, row.text])) for row in self._state.rows.values())
        return Room(
            stored_bytes=texts,
            spare_bytes=0,
            file_bytes=texts,
            journal_bytes=0,
            disk_free_bytes=PLENTY,
            disk_is_scarce=False,
            in_steps=True,
        )

    def workers(self):
        return self._storage.workers()

    def model(self):
        described = self._state.models.items()
        living = [model for (worker, _), model in described if worker in self._storage.slots]
        return summary(living, gone=self._state.models.values())

    def servers(self):
        said = {}
        for (worker, server), model in self._state.models.items():
            if worker in self._storage.slots:
                said.setdefault(server, []).append((model, self._state.slots[worker, server]))
        return [self._server(address, *zip(*each, strict=True)) for address, each in sorted(said.items())]

    def _server(self, address, models, slots):
        of_server = [row for row in self._state.rows.values() if row.prompt.server == address]
        answers = [row for row in self._completed() if row.ran_seconds is not None]
        newest = sorted(answers, key=lambda row: row.prompt.completed_at)[-NEWEST:]
        last = [row.ran_seconds for row in newest if row.prompt.server == address][-20:]
        return Server(
            address=address,
            model=summary(models),
            slots=sum(slots),
            busy=sum(row.prompt.status is Status.PROCESSING for row in of_server),
            seconds_per_prompt=sum(last) / len(last) if last else None,
        )

    def facts(self):
        model, living = self.model(), self._storage.slots
        told = [
            (where[0] not in living, self._state.models[where].state != "ready", place)
            for place, where in enumerate(self._state.facts)
            if self._state.models[where].name == model.name
        ]
        return [*self._state.facts.values()][min(told)[-1]] if told else None

    def describe_model(self, model, *, worker, server, facts=None, slots=1):
        model, where = replace(model, detail=model.detail and storable(model.detail)), (worker, server)
        news = stored_object(stored_json(facts)) if facts else self._state.facts.get(where)
        told = (self._state.models.get(where), self._state.slots.get(where), self._state.facts.get(where))
        if told != (model, slots, news):
            with self.transaction():
                self._work.models[where], self._work.slots[where] = model, slots
                if news:
                    self._work.facts[where] = news

    def pause(self, paused):
        with self.transaction():
            self._work.paused = paused
            self._changed.add(None)

    def secret(self):
        if not self._state.secret:
            with self.transaction():
                self._work.secret = self._work.secret or secrets.token_bytes(32)
        return self._state.secret

    # ---- what they share ----

    def _is_overdue(self, row):
        now = self._clock.monotonic()
        match row.prompt.status:
            case Status.QUEUED:
                return row.prompt.expires_at is not None and row.prompt.expires_at <= self._clock.wall()
            case Status.PROCESSING:
                return row.leased_until <= now or row.run_until + GRACE <= now
            case _:
                return False

    def _gone_holders(self):
        """Who held calls of prompts that are not completed or not to be kept, and lives no more."""
        held = {
            row.origin.holder
            for row in self._state.rows.values()
            if row.origin
            and row.origin.holder
            and (row.prompt.status is not Status.COMPLETED or not row.origin.is_kept)
        }
        return held - self._storage.holders.keys()

    def _is_abandoned(self, row):
        since = self._state.gone.get(row.origin.holder) if row.origin else None
        is_gone = since is not None and row.origin.holder not in self._storage.holders
        return is_gone and since + HOLDER_GRACE <= self._clock.monotonic()

    def _is_to_erase(self, row):
        is_over = row.prompt.status is Status.COMPLETED
        return is_over and self._is_abandoned(row) and not row.origin.is_kept

    def _let_go(self, row):
        return self._keep(replace(row, origin=row.origin and replace(row.origin, **UNHELD)))

    def _give_up(self, row):
        """Let nobody find it who comes too late."""
        return self._let_go(row) if row.origin.is_kept else replace(row, origin=replace(row.origin, fingerprint=None))

    def _complete(self, row, outcome, error):
        if row.prompt.status is Status.PROCESSING:
            self._charge(row)
        ended = {"outcome": outcome, "error": error, "completed_at": self._clock.wall()}
        row = self._move(row, {"status": Status.COMPLETED, **ended}, not_before=None)
        self._count(row)
        return row

    def _end(self, row, to):
        """Let an attempt be over."""
        self._charge(row, is_charged=to.is_charged)
        now, is_over = self._clock.monotonic(), to.status is Status.COMPLETED
        of_prompt = {
            "status": to.status,
            "outcome": to.outcome,
            "failures": to.failures,
            "error": to.error and replace(to.error, message=storable(to.error.message)),
            "last_error": storable(to.last_error) if to.last_error else row.prompt.last_error,
            **({"completed_at": self._clock.wall()} if is_over else {"started_at": None, "tokens": None}),
        }
        trouble = {}
        if to.is_bad_end:
            trouble = {"bad_ends": row.bad_ends + 1, "bad_since": row.bad_since or now, "bad_at": now}
        measured = {"claimed_at": row.claimed_at if to.is_charged else None}
        return self._move(row, of_prompt, not_before=now + to.delay if to.delay else None, **measured, **trouble)

    def _charge(self, row, *, is_charged=True):
        seconds = self._clock.monotonic() - row.claimed_at if is_charged else None
        self._work.moves += self._work.turns.end(row.prompt.priority, row.prompt.owner, row.charged, seconds)

    def _loss(self, row):
        """How the attempt of a processing prompt was lost; None while it is not."""
        return loss(
            now=self._clock.monotonic(),
            run_until=row.run_until,
            leased_until=row.leased_until,
            is_alive=row.terms.worker in self._storage.slots,
        )

    def _may_settle(self, row):
        match row.prompt.status:
            case Status.QUEUED:
                return self._is_overdue(row) or self._is_abandoned(row)
            case Status.PROCESSING:
                return self._loss(row) is not None or self._is_abandoned(row)
            case _:
                return False

    def _settle(self, row):
        """Move a prompt if a deadline of it has passed; where to."""
        if not self._may_settle(row):
            return None
        if self._is_abandoned(row):
            return self._complete(self._give_up(row), Outcome.CANCELLED, ABANDONED).prompt.outcome
        if row.waits:
            return self._complete(row, Outcome.EXPIRED, EXPIRED).prompt.outcome
        lost = self._loss(row)
        to = after(lost, failures=row.prompt.failures, max_failures=row.terms.max_failures)
        row = self._end(row, replace(to, is_charged=lost is TIMED_OUT))
        if to.outcome:
            self._count(row)
        return self._settle(row) or to.outcome or to.status

    def _completed_before(self, moment):
        return [row for row in self._completed() if row.prompt.completed_at < moment]

    def _is_out_of_step(self):
        return abs(self._clock.wall() - self._clock.elapsed() - self._state.agreed_offset) > STEP

    def _was_just_set(self):
        since = self._state.agreed_since
        return since is not None and (self._is_out_of_step() or self._clock.elapsed() - since < DAY)
