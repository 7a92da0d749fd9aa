"""Names of models: registry.ollama.ai/library/llama3.2:latest, and all that may be left out of it."""

import re
from dataclasses import dataclass

from proxy.calls.errors import InvalidAsked

HOST, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"

_HOST = re.compile(r"[A-Za-z0-9_][\w.:-]{0,349}", re.ASCII)
_NAMESPACE = re.compile(r"[A-Za-z0-9_][\w-]{0,79}", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9_][\w.-]{0,79}", re.ASCII)

MOST_PARTS = 3  # host, namespace and model; more are not even looked at


@dataclass(frozen=True, slots=True)
class Name:
    """A whole name, its parts as they were written."""

    host: str
    namespace: str
    model: str
    tag: str

    def __str__(self) -> str:
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def short(self) -> str:
        """Give it as lists show it: without what is usual, and always with its tag."""
        place = "" if self.host == HOST else f"{self.host}/"
        if place or self.namespace != NAMESPACE:
            place += f"{self.namespace}/"
        return f"{place}{self.model}:{self.tag}"


def read(text: str) -> Name:
    """Read a name as a client wrote it. Raises InvalidAsked for what can be none."""
    *place, last = re.sub(r"^https?://", "", text.strip()).split("/", MOST_PARTS)
    model, colon, tag = last.partition(":")
    namespace = place[-1] if place else NAMESPACE
    host = place[0] if len(place) > 1 else HOST
    name = Name(host, namespace, model, tag if colon else TAG)
    parts = ((_HOST, host), (_NAMESPACE, namespace), (_PART, model), (_PART, name.tag))
    if len(place) >= MOST_PARTS or not all(pattern.fullmatch(part) for pattern, part in parts):
        raise InvalidAsked("invalid model name", param="model")
    return name
