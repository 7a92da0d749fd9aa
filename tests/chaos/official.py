"""The makers' own clients, unmodified and used as their guides show: each call gives a whole answer, or raises."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING

import anthropic
import openai
from simulator.text import answer_to, tokens_of

import ollama
from chaos.history import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from chaos.owners import Cast

MODEL = "llama3.2"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One call and, once it is over, what its client had of it."""

    way: str
    text: str
    tokens: int  # of the answer, at most
    leaves_after: int | None  # pieces of the answer; None: it reads to the end
    begun: float
    ended: float | None = None  # monotonic seconds
    had: str = ""
    raised: str | None = None  # the exception's module and name
    status: int | None = None  # HTTP's, if the exception tells one
    words: str = ""  # the exception's
    owner: str = ""  # who asks, where there are owners
    key: str = ""  # by the key of this name
    secret: str = field(default="none", repr=False)

    @property
    def answer(self) -> str:
        """What the simulator says to it, and to no other prompt."""
        return "".join(tokens_of(answer_to(self.text))[: self.tokens])


class Official:
    """A thread for each way to ask."""

    def __init__(self, ports: Sequence[int], cast: Cast, *, seed: int) -> None:
        """Use the product at these ports, each in its turn."""
        self._urls = cycle([f"http://127.0.0.1:{port}" for port in ports])
        self._cast = cast
        self._seed = seed
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._asked: list[Question] = []
        self._threads = [
            threading.Thread(target=self._run, args=(place, way), name=way, daemon=True)
            for place, way in enumerate(WAYS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def hush(self) -> None:
        """Ask nothing more."""
        self._ending.set()

    def end(self, timeout: float) -> bool:
        """Wait for what is asked, once nothing more is; whether all of it came to its end."""
        deadline = now() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - now()))
        return not any(thread.is_alive() for thread in self._threads)

    def asked(self) -> list[Question]:
        """Give every call so far; one that is under way has no end."""
        with self._lock:
            return list(self._asked)

    def _run(self, place: int, way: str) -> None:
        number = 0
        while not self._ending.is_set():
            number += 1
            random = Random(f"{self._seed}/{way}/{number}")
            if self._ending.wait(random.expovariate(1 / 0.3)):
                return
            key = self._cast.key_of(place)
            leaves = random.random() < 0.15 and "stream" in way
            question = Question(
                way=way,
                text=f"{way} asks for the {number}th time with seed {self._seed}: " + random.randbytes(8).hex(),
                tokens=random.randint(5, 80),
                leaves_after=random.randint(1, 5) if leaves else None,
                begun=now(),
                owner=key.owner,
                key=key.name,
                secret=key.secret,
            )
            with self._lock:
                place = len(self._asked)
                self._asked.append(question)
            answered = self._ask(question)
            with self._lock:
                self._asked[place] = answered

    def _ask(self, question: Question) -> Question:
        had = ""
        try:
            with closing(WAYS[question.way](next(self._urls), question)) as pieces:
                for piece in islice(pieces, question.leaves_after):
                    had += piece
        except Exception as error:  # noqa: BLE001 (whatever a client makes of it: the checker judges)
            name = f"{type(error).__module__}.{type(error).__name__}"
            status = getattr(error, "status_code", None)
            return replace(question, ended=now(), had=had, raised=name, status=status, words=str(error))
        return replace(question, ended=now(), had=had)


def _generate(url: str, question: Question) -> Iterator[str]:
    client, options = _ollama(url, question), {"num_predict": question.tokens}
    yield client.generate(MODEL, question.text, options=options).response


def _generate_stream(url: str, question: Question) -> Iterator[str]:
    client, options = _ollama(url, question), {"num_predict": question.tokens}
    for record in client.generate(MODEL, question.text, options=options, stream=True):
        yield record.response


def _chat(url: str, question: Question) -> Iterator[str]:
    client, options = _ollama(url, question), {"num_predict": question.tokens}
    yield client.chat(MODEL, _message(question), options=options).message.content or ""


def _chat_stream(url: str, question: Question) -> Iterator[str]:
    client, options = _ollama(url, question), {"num_predict": question.tokens}
    for record in client.chat(MODEL, _message(question), options=options, stream=True):
        yield record.message.content or ""


def _completion(url: str, question: Question) -> Iterator[str]:
    with _openai(url, question) as client:
        answer = client.chat.completions.create(
            model=MODEL, messages=_message(question), max_completion_tokens=question.tokens
        )
        yield answer.choices[0].message.content or ""


def _completion_stream(url: str, question: Question) -> Iterator[str]:
    with (
        _openai(url, question) as client,
        client.chat.completions.create(
            model=MODEL, messages=_message(question), max_completion_tokens=question.tokens, stream=True
        ) as stream,
    ):
        for chunk in stream:
            yield from (choice.delta.content or "" for choice in chunk.choices)


def _response(url: str, question: Question) -> Iterator[str]:
    with _openai(url, question) as client:
        answer = client.responses.create(model=MODEL, input=question.text, max_output_tokens=question.tokens)
        yield answer.output_text


def _response_stream(url: str, question: Question) -> Iterator[str]:
    with (
        _openai(url, question) as client,
        client.responses.create(
            model=MODEL, input=question.text, max_output_tokens=question.tokens, stream=True
        ) as stream,
    ):
        for event in stream:
            if event.type == "response.output_text.delta":
                yield event.delta


def _message_whole(url: str, question: Question) -> Iterator[str]:
    with _anthropic(url, question) as client:
        answer = client.messages.create(model=MODEL, messages=_message(question), max_tokens=question.tokens)
        yield "".join(block.text for block in answer.content)


def _message_stream(url: str, question: Question) -> Iterator[str]:
    with (
        _anthropic(url, question) as client,
        client.messages.stream(model=MODEL, messages=_message(question), max_tokens=question.tokens) as stream,
    ):
        yield from stream.text_stream


WAYS: Mapping[str, Callable[[str, Question], Iterator[str]]] = {
    "ollama generate": _generate,
    "ollama generate stream": _generate_stream,
    "ollama chat": _chat,
    "ollama chat stream": _chat_stream,
    "openai chat": _completion,
    "openai chat stream": _completion_stream,
    "openai responses": _response,
    "openai responses stream": _response_stream,
    "anthropic messages": _message_whole,
    "anthropic messages stream": _message_stream,
}


def _message(question: Question) -> list[dict[str, str]]:
    return [{"role": "user", "content": question.text}]


def _ollama(url: str, question: Question) -> ollama.Client:
    return ollama.Client(host=url, headers={"Authorization": f"Bearer {question.secret}"} if question.key else {})


def _openai(url: str, question: Question) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=question.secret)


def _anthropic(url: str, question: Question) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key=question.secret)
