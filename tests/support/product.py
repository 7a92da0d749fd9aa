"""The whole product behind its two doors, whatever it runs on: plain processes or containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.front_door import FrontDoor
from support.waiting import until

if TYPE_CHECKING:
    from typing import Any

PARTS = ("proxy", "worker", "ollama")
"""What can be restarted and killed while somebody waits for an answer."""

MODEL_WITHIN = 1800.0  # seconds; a real Ollama downloads 2 GB


class Product(FrontDoor):
    """A client of nginx's door; `proxy` is one of the proxy's own."""

    def __init__(self, *, frontend_port: int, proxy_port: int) -> None:
        super().__init__(f"http://127.0.0.1:{frontend_port}")
        self.proxy = FrontDoor(f"http://127.0.0.1:{proxy_port}")

    def start(self) -> None:
        """Start all of it; returns when both doors are open."""
        raise NotImplementedError

    def stop(self) -> None:
        """End all of it in good order. Queue and model are kept."""
        raise NotImplementedError

    def erase(self) -> None:
        """End all of it and keep nothing: no prompt, no model."""
        raise NotImplementedError

    def restart(self, part: str) -> None:
        """End one part in good order and start it again."""
        raise NotImplementedError

    def kill(self, part: str) -> None:
        """End one part with SIGKILL and start it again."""
        raise NotImplementedError

    def until_ready(self) -> None:
        """Wait until a prompt could be answered."""
        until(lambda: self.get("/readyz").status == 200, "the product is ready", MODEL_WITHIN)

    def ask(self, text: str, *, tokens: int, **fields: Any) -> str:
        """Hand in a prompt whose answer has at most so many tokens, some fifty a second; its id."""
        return self.submit(text, options={"num_predict": tokens}, **fields)
