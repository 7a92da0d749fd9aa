"""A client of one Ollama: the only file that speaks to it."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Self

from worker.config import Config
from worker.ollama import record
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.errand import Errand, NotInTime, Over
from worker.ollama.plug import Plug
from worker.ollama.transport import Transport
from worker.ollama.trust import Trust

PROBE_TIMEOUT = 5.0  # seconds; a server that starts up accepts connections long before it answers
LOAD_TIMEOUT = 10.0  # seconds; a model that takes longer is loaded by whatever prompt comes first
SHOW_TIMEOUT = 10.0  # seconds; it reads the files of a large model
UNLOAD_TIMEOUT = 5.0  # seconds; answered in 1 ms, and the model goes when its last user has

LONGEST_CONTEXT = 2**31  # tokens; what is said to be longer is a slip, or worse


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory."""

    processor: str  # cpu, gpu or mixed
    context_length: int | None  # tokens; None where the server does not say


class Ollama:
    """One Ollama, for one thread. Every method may raise OllamaFailed.

    Whatever the server does, a question ends within its time. `meanwhile` is called about once a second of waiting for
    an answer, or for a record of a download.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout: float,
        probe_timeout: float = PROBE_TIMEOUT,
        ca_file: str = "",
    ) -> None:
        """Speak to the server at `url`, trusting those in `ca_file`, or else the usual ones; nothing is sent yet."""
        self.meanwhile: Callable[[], None] = lambda: None
        self._url = url
        self._connect_timeout = connect_timeout
        self._probe_timeout = probe_timeout
        self._trust = Trust(ca_file)
        self._calls = self._transport()
        self._errand: Errand[dict[str, Any]] | None = None  # the last question; it may still look a name up

    @classmethod
    def of(cls, config: Config, url: str) -> Self:
        """Speak to the server at `url`, as the settings say."""
        return cls(
            url,
            connect_timeout=config.connect_timeout,
            probe_timeout=config.probe_timeout,
            ca_file=config.ollama_ca_file,
        )

    def stream(self, path: str, body: Mapping[str, Any], plug: Plug) -> Generator[dict[str, Any]]:
        """Yield the records that Ollama streams, over a connection that `plug` can end.

        Leaving the iteration closes the connection, and that frees the model. The reader must wait for nothing else:
        one that lags can leave Ollama's only slot taken for ever.
        """
        yield from _records(self._calls, path, body, plug)

    def pull(self, model: str, plug: Plug, *, patience: float) -> Generator[dict[str, Any]]:
        """Yield the records of a download; the last says "success". An error may come at any record.

        Each must come within `patience` seconds, unless `plug` is given another patience meanwhile.
        """
        plug.patience = patience
        records = _records(self._transport(), "/api/pull", {"model": model, "stream": True}, plug)
        with closing(Errand(records, plug)) as errand:
            while True:
                seconds = plug.patience or patience
                try:
                    answer = errand.bring(seconds, self.meanwhile)
                except Over:
                    return
                except NotInTime:
                    raise OllamaFailed(_unanswered("nothing more came", seconds)) from None
                self.meanwhile()
                yield answer

    def version(self) -> str:
        """Ask for the version: whether the server answers at all. Empty where its answer has none."""
        version = self._ask("GET", "/api/version").get("version")
        return version if isinstance(version, str) else ""

    def lists(self, model: str) -> bool:
        """Whether the model is installed; its files may still be broken."""
        return self.tag(model) is not None

    def tag(self, model: str) -> Mapping[str, Any] | None:
        """What the list of installed models says of this one; None where it is not there."""
        return _entry(model, self._ask("GET", "/api/tags"))

    def show(self, model: str) -> Mapping[str, Any]:
        """Have the model's files looked at, and say what they say; since 0.30 that fails when they are broken."""
        return self._ask("POST", "/api/show", {"model": model}, within=SHOW_TIMEOUT)

    def loaded(self, model: str) -> Loaded | None:
        """Say how the model is loaded; None while it is not."""
        entry = _entry(model, self._ask("GET", "/api/ps"))
        if entry is None:
            return None
        on_gpu, size, length = (_number(entry.get(name)) for name in ("size_vram", "size", "context_length"))
        return Loaded(
            processor="cpu" if on_gpu == 0 else "gpu" if on_gpu >= size else "mixed",
            context_length=length if 0 < length < LONGEST_CONTEXT else None,
        )

    def load(self, model: str) -> None:
        """Have the model loaded without a prompt, to learn whether it can be."""
        self._ask("POST", "/api/generate", {"model": model}, within=LOAD_TIMEOUT)

    def unload(self, model: str) -> None:
        """Have the model unloaded once nobody uses it: that heals a wedged runner or a lost slot."""
        self._ask("POST", "/api/generate", {"model": model, "keep_alive": 0}, within=UNLOAD_TIMEOUT)

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, within: float | None = None
    ) -> dict[str, Any]:
        """Ask a question; its answer, or OllamaFailed, comes within so many seconds."""
        seconds = within or self._probe_timeout
        if self._errand and not self._errand.ends(seconds):
            raise OllamaFailed(CallEnd(kind=EndKind.NOT_CONNECTED, words="its name is still being looked up"))
        plug = Plug()
        with closing(Errand(_answer(self._transport(), method, path, body, plug), plug)) as self._errand:
            try:
                return self._errand.bring(seconds, self.meanwhile)
            except NotInTime:
                raise OllamaFailed(_unanswered(f"no answer to {path}", seconds)) from None

    def _transport(self) -> Transport:
        return Transport(self._url, connect_timeout=self._connect_timeout, trust=self._trust)


def _records(transport: Transport, path: str, body: Mapping[str, Any], plug: Plug) -> Generator[dict[str, Any]]:
    with transport.sent("POST", path, body, plug) as reply, closing(reply.lines()) as lines:
        for line in lines:
            if line.strip():
                yield record.read(line)


def _answer(
    transport: Transport, method: str, path: str, body: Mapping[str, Any] | None, plug: Plug
) -> Generator[dict[str, Any]]:
    with transport.sent(method, path, body, plug) as reply:
        yield record.read(reply.body())


def _unanswered(what: str, seconds: float) -> CallEnd:
    return CallEnd(kind=EndKind.UNANSWERED, words=f"{what} within {seconds:g} s")


def _entry(model: str, answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find the model in a list of models."""
    models = answer.get("models")
    listed = [each for each in models if isinstance(each, dict)] if isinstance(models, list) else []
    return next((each for each in listed if _same(model, each.get("name"))), None)


def _number(value: object) -> int:
    return value if type(value) is int else 0


def _same(model: str, name: object) -> bool:
    return isinstance(name, str) and _full(model) == _full(name)


def _full(name: str) -> str:
    return (name if ":" in name.rsplit("/", maxsplit=1)[-1] else f"{name}:latest").lower()
