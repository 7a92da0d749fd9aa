"""Updates: one thread's work for all live prompts of this process.

Live text reaches its readers as it is heard. A prompt that a wake-up names is looked up at once, in one read with the
others of that moment. Any commit may have moved every place in line: whether it has, one number says, and then the
line is looked up in slices. Once a second all of it is asked without a wake-up, because one may get lost.

Two thousand readers cannot all be woken for every place that moved: each costs a tenth of a millisecond. So places get
a quarter of the process's time, and text half of it, a few milliseconds at once. Whoever waits meanwhile then finds the
latest, and another round follows until the line has not moved since the last one began: the last place reaches all.
Prompts of which nobody wants to know each place are looked up with the others once a second, if the line has moved.
"""

import time
from collections.abc import Mapping

from promptqueue.errors import StorageUnavailable
from promptqueue.notes import Changed, Note, Text, Written

from proxy.live.line_rounds import LineRounds
from proxy.live.live_prompt import Interest, LivePrompt
from proxy.live.lookup import SLICE, Lookup
from proxy.live.wake_queue import WakeQueue
from proxy.storage.reader import Reader

LOOK_EVERY = 1.0  # seconds; a wake-up may get lost, and time passes without one
YIELD = 0.001  # seconds for everybody else between two slices

SHARE_OF_TEXT = 0.5
SHARE_OF_PLACES = 0.25


class Updates:
    """Hears, looks up and wakes, in turns that its thread takes."""

    def __init__(self, prompts: Mapping[str, LivePrompt], *, reader: Reader, lookup: Lookup) -> None:
        """Keep `prompts` up to date; others add to it and take from it."""
        self._prompts = prompts
        self._lookup = lookup
        self._urgent: dict[str, None] = {}  # prompts to look up now
        self._line = LineRounds(reader)
        self._for_text = WakeQueue(share=SHARE_OF_TEXT)
        self._for_places = WakeQueue(share=SHARE_OF_PLACES)
        self._look_at = 0.0  # when to look without a wake-up
        self._whole_line_at = 0.0  # when to look up those in line too who do not ask for their places
        self._owes_a_round = False  # to those

    def take_turn(self, notes: list[Note]) -> None:
        """Work off what was heard, look up what is due, and wake whoever has something new to read."""
        self._hear(notes)
        self._look()
        self._for_text.wake()
        self._for_places.wake()

    @property
    def seconds_until_next(self) -> float:
        """Seconds after which a turn is due though nothing is heard."""
        if self._urgent:
            return YIELD
        seconds = max(0.0, self._look_at - time.monotonic()) if self._prompts else LOOK_EVERY
        if not self._for_text.is_empty:
            seconds = min(seconds, max(YIELD, self._for_text.time.seconds_until_more))
        if not self._line.is_through or not self._for_places.is_empty:
            seconds = min(seconds, max(YIELD, self._for_places.time.seconds_until_more))
        return seconds

    def _hear(self, notes: list[Note]) -> None:
        for note in notes:
            live = self._prompts.get(note.prompt_id or "")
            match note:
                case Text():
                    self._lookup.recent_text.add(note)
                    if live and live.snapshot:
                        self._hear_text(live, note)
                case Written(prompt_id) if live:
                    self._urgent[prompt_id] = None
                case Changed(None):
                    self._look_at = 0.0
                case Changed(str(prompt_id)):
                    self._line.note_a_change()
                    if live:
                        self._urgent[prompt_id] = None

    def _hear_text(self, live: LivePrompt, text: Text) -> None:
        before = live.snapshot
        if live.hear(text):
            self._urgent[text.prompt_id] = None
        if live.snapshot is not before:
            self._for_text.add(live.woken_by(Interest.TEXT))

    def _look(self) -> None:
        try:
            self._look_without_a_wake_up()
            self._look_up_urgent()
            self._look_up_line()
        except StorageUnavailable:  # the reader has said so
            self._line.forget()

    def _look_without_a_wake_up(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        self._line.note_a_change()
        self._urgent.update((one, None) for one, live in list(self._prompts.items()) if live.may_change_unheard)

    def _look_up_urgent(self) -> None:
        chosen = list(self._urgent)[:SLICE]
        for prompt_id in chosen:
            del self._urgent[prompt_id]
        self._look_up(chosen, self._for_text)

    def _look_up_line(self) -> None:
        if self._prompts:
            self._begin_a_round()
        if self._for_places.is_empty and not self._for_places.time.is_spent:
            began = time.monotonic()
            self._look_up(self._line.next_slice(SLICE), self._for_places)
            self._for_places.time.spend(time.monotonic() - began)

    def _begin_a_round(self) -> None:
        has_moved, now = self._line.has_moved(), time.monotonic()
        self._owes_a_round |= has_moved
        is_whole = self._owes_a_round and now >= self._whole_line_at and self._line.is_through
        if is_whole:
            self._owes_a_round, self._whole_line_at = False, now + LOOK_EVERY
        if is_whole or has_moved:
            prompts = list(self._prompts.items())
            self._line.begin(one for one, live in prompts if live.is_queued and (is_whole or live.is_watched_in_line))

    def _look_up(self, prompt_ids: list[str], readers: WakeQueue) -> None:
        prompts = {one: live for one in prompt_ids if (live := self._prompts.get(one))}
        before = {live: live.snapshot for live in prompts.values()}
        for live in self._lookup.update(prompts):
            readers.add(live.woken_by(live.change_since(before[live])))
