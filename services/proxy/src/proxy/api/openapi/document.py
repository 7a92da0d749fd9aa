"""The specification, OpenAPI 3.1."""

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from proxy.api.openapi.operations import HEADERS, SECURITY_SCHEMES
from proxy.api.openapi.paths import PATHS
from proxy.api.openapi.shapes import schemas


@lru_cache(maxsize=4)
def document(model: str, base_path: str = "") -> dict[str, Any]:
    """Give the whole specification for a proxy whose prompts `model` answers, and that is found below `base_path`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ollama Proxy",
            "version": _version(),
            "description": "A durable queue between many clients and the Ollamas that answer them. "
            "Every error has the shape of `Error`. What is served below /api and /v1 in Ollama's, OpenAI's and "
            "Anthropic's protocols is described by their owners, and not here.",
        },
        "servers": [{"url": base_path or "/"}],
        "paths": PATHS,
        "components": {"schemas": schemas(model), "headers": HEADERS, "securitySchemes": SECURITY_SCHEMES},
    }


def _version() -> str:
    try:
        return version("proxy")
    except PackageNotFoundError:  # run from the checkout
        return "0"
