"""The model store: what /api/tags and /api/show tell, what a pull adds and a delete removes."""

import hashlib
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .clock import timestamp
from .errors import Refused
from .name import Name, parse_name

DIGEST = "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72"
STORE = "/models/blobs"
TRAINED_CONTEXT = 131072
EMBEDDING = 3072
TEMPLATE = (
    "<|start_header_id|>system<|end_header_id|>\n\n{{ if .System }}{{ .System }}{{ end }}"
    "{{ if .Tools }}tools{{ end }}<|eot_id|>"
    "{{ range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>{{ end }}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
STOPS = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
SMALL_LAYERS = {
    "966de95ca8a6": 1429,
    "fcc5a6bec9da": 7711,
    "a70ff7e570d9": 6016,
    "56bb8bd477a5": 96,
    "34bb5ab01051": 561,
}
WEIGHTS = "dde5aa3fc5ff"

_LAYERS = 28
_SHAPES = {
    "attn_norm": [EMBEDDING],
    "attn_q": [EMBEDDING, EMBEDDING],
    "attn_k": [EMBEDDING, 1024],
    "attn_v": [EMBEDDING, 1024],
    "attn_output": [EMBEDDING, EMBEDDING],
    "ffn_norm": [EMBEDDING],
    "ffn_gate": [EMBEDDING, 8192],
    "ffn_up": [EMBEDDING, 8192],
    "ffn_down": [8192, EMBEDDING],
}


@dataclass(kw_only=True)
class Model:
    """An installed model."""

    name: Name
    modified: float = field(default_factory=lambda: float(int(time.time())))
    is_broken: bool = False


def layer_digest(short: str) -> str:
    """The digest of a layer: its first twelve digits are the real model's, the rest is made up."""
    return f"sha256:{short}{hashlib.sha256(short.encode()).hexdigest()[12:]}"


class Store:
    """The installed models, and how much of which download is there."""

    def __init__(self, names: tuple[str, ...], broken: tuple[str, ...] = ()) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, Model] = {}
        self.partial: dict[str, float] = {}
        """Bytes of weights by the name's key that unfinished pulls have left."""
        self.replace(names, broken)

    def replace(self, names: tuple[str, ...], broken: tuple[str, ...]) -> None:
        """Have exactly these, the broken ones with unreadable weights."""
        unreadable = {parse_name(text).key for text in broken}
        with self._lock:
            before, self._models = self._models, {}
            for text in names:
                name = parse_name(text)
                model = before.get(name.key) or Model(name=name)
                model.is_broken = name.key in unreadable
                self._models[name.key] = model

    def reset(self, names: tuple[str, ...], broken: tuple[str, ...]) -> None:
        """Be as at the start, with nothing half downloaded."""
        with self._lock:
            self._models.clear()
            self.partial.clear()
        self.replace(names, broken)

    def add(self, name: Name) -> None:
        """Install it, whole."""
        with self._lock:
            self._models[name.key] = Model(name=name)
            self.partial.pop(name.key, None)

    def remove(self, name: Name) -> bool:
        """Remove it; False if it was not there."""
        with self._lock:
            return self._models.pop(name.key, None) is not None

    def damage(self, name: Name) -> None:
        """Make its weights unreadable; lists go on naming it."""
        with self._lock:
            if name.key in self._models:
                self._models[name.key].is_broken = True

    def find(self, name: Name) -> Model | None:
        """The installed model of this name."""
        with self._lock:
            return self._models.get(name.key)

    def names(self) -> list[str]:
        """The short names, newest first."""
        return [model.name.short for model in self._newest_first()]

    def tags(self) -> dict[str, Any]:
        """The answer of /api/tags."""
        more = {"context_length": TRAINED_CONTEXT, "embedding_length": EMBEDDING}
        return {
            "models": [
                {
                    "name": model.name.short,
                    "model": model.name.short,
                    "modified_at": timestamp(model.modified),
                    "size": sum(SMALL_LAYERS.values()) + 2_019_377_376,
                    "digest": DIGEST,
                    "details": details() | more,
                    "capabilities": ["completion", "tools"],
                }
                for model in self._newest_first()
            ]
        }

    def show(self, text: str) -> dict[str, Any]:
        """The answer of /api/show.

        Raises:
            Refused: no name, an invalid one, an unknown one, or unreadable weights.
        """
        if not text:
            raise Refused(400, "model is required")
        name = parse_name(text)
        model = self.find(name)
        if model is None:
            if name.is_cloud:
                raise Refused(403, "ollama cloud is disabled: remote model details are unavailable")
            raise Refused(404, f"model '{name.short}' not found")
        if model.is_broken:
            raise Refused(500, "invalid file magic")
        return _shown(model)

    def _newest_first(self) -> list[Model]:
        with self._lock:
            numbered = sorted(enumerate(self._models.values()), key=lambda each: (each[1].modified, each[0]))
        return [model for _, model in reversed(numbered)]


def details() -> dict[str, Any]:
    """What every face tells of the model."""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
    }


def _shown(model: Model) -> dict[str, Any]:
    stops = "".join(f"PARAMETER stop {stop}\n" for stop in STOPS)
    return {
        "modelfile": '# Modelfile generated by "ollama show"\n'
        "# To build a new Modelfile based on this, replace FROM with:\n"
        f"# FROM {model.name.short}\n\nFROM {STORE}/{layer_digest(WEIGHTS).replace(':', '-')}\n"
        f'TEMPLATE "{TEMPLATE}"\n{stops}',
        "parameters": "\n".join(f'{"stop":<31}"{stop}"' for stop in STOPS),
        "template": TEMPLATE,
        "details": details(),
        "model_info": {
            "general.architecture": "llama",
            "general.file_type": 15,
            "general.parameter_count": 3212749888,
            "general.quantization_version": 2,
            "llama.attention.head_count": 24,
            "llama.attention.head_count_kv": 8,
            "llama.block_count": _LAYERS,
            "llama.context_length": TRAINED_CONTEXT,
            "llama.embedding_length": EMBEDDING,
            "llama.vocab_size": 128256,
        },
        "tensors": [{"name": "token_embd.weight", "type": "Q6_K", "shape": [EMBEDDING, 128256]}]
        + [
            {"name": f"blk.{layer}.{part}.weight", "type": "F32" if len(shape) == 1 else "Q4_K", "shape": shape}
            for layer in range(_LAYERS)
            for part, shape in _SHAPES.items()
        ],
        "capabilities": ["completion", "tools"],
        "modified_at": timestamp(model.modified),
    }
