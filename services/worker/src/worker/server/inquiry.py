"""The inquiry: what a server says of itself and of its model, for clients who want to hear it from Ollama."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from promptqueue.condition import Facts

from worker.ollama.call_end import OllamaFailed
from worker.ollama.client import Ollama
from worker.ollama.record import is_deeper

ASK_EVERY = 300.0  # seconds, while all is well: a model may be replaced by another of its name
ASK_AGAIN_AFTER = 30.0  # seconds, where there was no answer, or none that is kept
LONGEST_VERSION = 64  # characters
LARGEST = 512 * 1024  # characters of JSON; llama3.2's are 50,000 with its licence
DEEPEST = 32  # levels of an answer; Ollama's have four


class Inquiry:
    """Asks one server for the facts once its model is ready, and now and then after that."""

    def __init__(self, ollama: Ollama, model: str) -> None:
        """Ask `ollama` of `model`; nothing yet."""
        self._ollama = ollama
        self._model = model
        self._facts: Facts | None = None
        self._ask_at = float("-inf")
        self._is_stale = False

    @property
    def facts(self) -> Facts | None:
        """What was said last; None while nothing was."""
        return self._facts

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask."""
        return self._is_stale or self._ask_at <= time.monotonic()

    def begin_anew(self) -> None:
        """The server, or its model, may be another by now: ask again as soon as it is well."""
        self._is_stale = True

    def ask(self) -> None:
        """Ask. Trouble with that is no trouble of the server's: what is known stays, and is asked for again later."""
        answered = None
        with suppress(OllamaFailed):
            answered = self._answers()
        self._ask_at = time.monotonic() + (ASK_AGAIN_AFTER if answered is None else ASK_EVERY)
        self._facts, self._is_stale = answered or self._facts, False

    def see_loaded(self, context_length: int | None) -> None:
        """Take note of how long a context the loaded model was seen to have."""
        if self._facts and context_length is not None:
            self._facts = {**self._facts, "context_length": context_length}

    def _answers(self) -> Facts | None:
        """Ask all there is to ask; None where an answer is none to be kept. Raises OllamaFailed."""
        version, tag = self._ollama.version(), self._ollama.tag(self._model)
        show, loaded = self._ollama.show(self._model), self._ollama.loaded(self._model)
        if not version or tag is None or not _is_kept(tag) or not _is_kept(show):
            return None
        known = None if self._is_stale or self._facts is None else self._facts["context_length"]
        return Facts(
            version=version[:LONGEST_VERSION],
            tag=tag,
            show=show,
            context_length=(loaded and loaded.context_length) or known,
        )


def _is_kept(answer: Mapping[str, Any]) -> bool:
    return not is_deeper(answer, DEEPEST) and len(json.dumps(answer, ensure_ascii=False)) <= LARGEST
