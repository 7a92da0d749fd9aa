"""Model names: registry.ollama.ai/library/llama3.2:latest and everything that may be left out of it."""

import re
from dataclasses import dataclass

from .errors import Refused

HOST = "registry.ollama.ai"
NAMESPACE = "library"

_HOST = re.compile(r"[A-Za-z0-9_][\w.:-]{0,349}", re.ASCII)
_NAMESPACE = re.compile(r"[A-Za-z0-9_][\w-]{0,79}", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9_][\w.-]{0,79}", re.ASCII)


@dataclass(frozen=True)
class Name:
    """A whole name."""

    host: str
    namespace: str
    model: str
    tag: str

    def __str__(self) -> str:
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    @property
    def short(self) -> str:
        """As lists show it: without what is usual."""
        place = "" if self.host == HOST else f"{self.host}/"
        if place or self.namespace != NAMESPACE:
            place += f"{self.namespace}/"
        return f"{place}{self.model}:{self.tag}"

    @property
    def key(self) -> str:
        """Equal for two names that mean the same model: case does not count."""
        return str(self).lower()

    @property
    def is_cloud(self) -> bool:
        """Whether Ollama would hand it on to its own cloud."""
        return self.tag == "cloud" or self.tag.endswith("-cloud")


def parse_name(text: str) -> Name:
    """Read a name as sent.

    Raises:
        Refused: 400 `invalid model name`.
    """
    *place, last = re.sub(r"^https?://", "", text.strip()).split("/")
    model, colon, tag = last.partition(":")
    if len(place) > 2:  # noqa: PLR2004 (host and namespace)
        raise Refused(400, "invalid model name")
    namespace = place[-1] if place else NAMESPACE
    host = place[0] if len(place) == 2 else HOST  # noqa: PLR2004
    name = Name(host, namespace, model, tag if colon else "latest")
    fits = (
        _HOST.fullmatch(host)
        and _NAMESPACE.fullmatch(namespace)
        and _PART.fullmatch(model)
        and _PART.fullmatch(name.tag)
    )
    if not fits:
        raise Refused(400, "invalid model name")
    return name
