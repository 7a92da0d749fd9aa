"""What the model is, in Ollama's own answers: as a worker last read them, or made of what it read."""

import hashlib
from collections.abc import Mapping
from typing import Any

from promptqueue.condition import Facts, Model, ModelState

UNKNOWN_VERSION = "0.0.0"  # as an Ollama says that was built by hand
NEVER = "2318-01-01T00:00:00Z"  # it stays loaded; Ollama writes such a year for "for ever"
NOT_THERE = (ModelState.MISSING, ModelState.DOWNLOADING)
MANIFEST: dict[str, Any] = {"status": "pulling manifest"}
SUCCESS: dict[str, Any] = {"status": "success"}
WHOLE = 100  # what a download's parts add up to, since only its percentage is known
OF_A_FILE = ("context_length", "embedding_length")
"""Details that Ollama tells of a model on its disk, and not of one that it has loaded."""


def is_installed(model: Model) -> bool:
    """Tell whether its server has it."""
    return model.state not in NOT_THERE


def version(facts: Facts | None) -> dict[str, Any]:
    """Answer GET /api/version."""
    return {"version": facts["version"] if facts else UNKNOWN_VERSION}


def tags(model: Model, facts: Facts | None) -> dict[str, Any]:
    """Answer GET /api/tags: the model, or nothing while it is not installed."""
    return {"models": [facts["tag"]] if facts and is_installed(model) else []}


def shown(model: Model, facts: Facts | None) -> Mapping[str, Any] | None:
    """Answer POST /api/show; None while the model is not installed."""
    return facts["show"] if facts and is_installed(model) else None


def loaded(model: Model, facts: Facts | None, *, context_length: int) -> dict[str, Any]:
    """Answer GET /api/ps: the model while it is ready, for the server keeps it loaded."""
    if facts is None or model.state is not ModelState.READY:
        return {"models": []}
    tag = facts["tag"]
    entry = {name: tag[name] for name in ("name", "model", "size", "digest") if name in tag}
    details = {name: value for name, value in (tag.get("details") or {}).items() if name not in OF_A_FILE}
    on_gpu = _on_gpu(model.processor, tag.get("size"))
    more = {"details": details, "expires_at": NEVER, "size_vram": on_gpu, "context_length": context_length}
    return {"models": [{**entry, **more}]}


def _on_gpu(processor: str | None, size: object) -> int:
    """Say how many bytes lie in a GPU's memory; of a model that lies in both, half."""
    share = {"gpu": 1.0, "mixed": 0.5}.get(processor or "", 0.0)
    return int(size * share) if isinstance(size, int) else 0


def pulling(model: Model) -> dict[str, Any]:
    """Say in a record of /api/pull how far the download has come. Its digest is not known, and only tells it apart."""
    if model.percent is None:
        return MANIFEST
    digest = hashlib.sha256(model.name.encode()).hexdigest()
    record: dict[str, Any] = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": WHOLE}
    return {**record, "completed": model.percent} if model.percent else record
