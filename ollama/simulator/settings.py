"""What can be set: at the start by options, while running through the control endpoint."""

import argparse
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from .errors import NotUnderstood


def _option(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every duration is in seconds."""

    pace: float = _option(0.03, "seconds from one token to the next")
    load_time: float = _option(0.5, "seconds that loading the model takes")
    prompt_time: float = _option(0.1, "seconds from the free slot to the first token")
    slots: int = _option(1, "answers at the same time for each model, Ollama's OLLAMA_NUM_PARALLEL")
    max_queue: int = _option(512, "calls that may wait for a load, Ollama's OLLAMA_MAX_QUEUE")
    max_loaded_models: int = _option(3, "models in memory, Ollama's OLLAMA_MAX_LOADED_MODELS")
    context_length: int = _option(4096, "tokens of prompt and answer that the model sees, unless options.num_ctx says")
    bytes_per_token: int = _option(4, "how coarsely prompts are counted in tokens; 1 counts every byte")
    keep_alive: str = _option("5m", "how long a model stays loaded after its last answer; -1 is for ever")
    models: tuple[str, ...] = _option(("llama3.2",), "models present, separated by commas")
    broken: tuple[str, ...] = _option((), "those of them whose weights are unreadable, until they are pulled again")
    registry: tuple[str, ...] = _option(("llama3.2",), "models that can be pulled")
    pull_time: float = _option(5.0, "seconds that a whole download takes")
    pull_size: int = _option(2_019_377_376, "bytes of the model's weights")
    pull_stall: float = _option(1.0, "the share of the download at which it stops moving; 1 is never")
    pull_error: str = _option("", "a pull fails: no_host, timeout, refused, server_error, digest, or the words to say")
    pull_error_at: float = _option(0.0, "the share of the download at which pull_error comes; 0 is before the manifest")
    load_error: str = _option("", "what loading a model fails with, with a prompt or without; empty: it does not fail")
    gateway_status: int = _option(0, "what a gateway in front answers instead, with a page; 0: there is none")
    gateway_path: str = _option("/api/", "the beginning of the paths that it answers")
    gateway_retry_after: float = _option(0.0, "the seconds of its Retry-After header; 0: it sends none")
    processor: str = _option("cpu", "where /api/ps says that the model is: cpu or gpu")
    version: str = _option("0.33.0", "what /api/version says")
    text: str = _option("", "the answer to everything; empty: Markdown made up from the prompt")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser one option for each setting."""
    for each in fields(Settings):
        names = f"--{each.name.replace('_', '-')}"
        default = ",".join(each.default) if isinstance(each.default, tuple) else each.default
        convert = _listed if isinstance(each.default, tuple) else type(each.default)
        parser.add_argument(
            names,
            type=convert,
            default=each.default,
            metavar=each.name.upper() if isinstance(each.default, tuple | str) else "N",
            help=f"{each.metadata['help']} (default: {default if default != '' else 'none'})",
        )
    parser.add_argument("--no-model", dest="models", action="store_const", const=(), help="the same as --models ''")


def from_options(options: argparse.Namespace) -> Settings:
    """The settings that these options make."""
    return Settings(**{each.name: getattr(options, each.name) for each in fields(Settings)})


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """The settings with these changes.

    Raises:
        NotUnderstood: a name is unknown or a value has the wrong type; nothing is changed.
    """
    known = {each.name: each.default for each in fields(Settings)}
    taken: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in known:
            raise NotUnderstood(name, f"no such setting; there are {', '.join(known)}")
        taken[name] = _fitting(name, value, known[name])
    return replace(settings, **taken)


def as_json(settings: Settings) -> dict[str, Any]:
    """The settings by name."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _fitting(name: str, value: Any, default: Any) -> Any:
    match default:
        case tuple() if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        case str() if isinstance(value, str):
            return value
        case int() if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        case float() if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value)
        case _:
            wanted = "a list of strings" if isinstance(default, tuple) else f"a {type(default).__name__}"
            raise NotUnderstood(name, f"must be {wanted}, got {value!r}")
