"""Somebody who has a keyboard and nothing else, in whichever browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.engines import BACKSPACE, CONTROL, ENTER, ESCAPE, SHIFT, TAB
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from e2e.engines import Engine
    from playwright.sync_api import Page

STOPS = 60  # of Tab, before somebody gives up
PLAYWRIGHT = {
    CONTROL: "Control",
    SHIFT: "Shift",
    ENTER: "Enter",
    TAB: "Tab",
    BACKSPACE: "Backspace",
    ESCAPE: "Escape",
    " ": "Space",
}

# What has the focus, as a screen reader would call it; nothing where it is the browser's.
FOCUSED = """(() => {
  const node = document.activeElement, label = node.labels?.[0];
  return node === document.body ? "" : node.ariaLabel || label?.textContent || node.textContent.trim();
})()"""


class Typist:
    """What keys do, and what is seen of it; nothing here can point."""

    def __init__(
        self, open_: Callable[[str], object], ask: Callable[[str], Any], strike: Callable[..., object]
    ) -> None:
        self.open = open_
        self.ask = ask
        self._strike = strike

    def press(self, *chord: str) -> None:
        """Strike a key, the others of the chord held down."""
        self._strike(*chord)

    def write(self, text: str) -> None:
        """Strike one key after the other."""
        for letter in text:
            self._strike(letter)

    def submit(self, text: str) -> None:
        """Write into what has the focus, which is the box, and hand it in."""
        self.write(text)
        self.press(CONTROL, ENTER)

    def focused(self) -> str:
        """What has the focus, by its name."""
        return str(self.ask(FOCUSED))

    def go_to(self, name: str, *, back: bool = False) -> None:
        """Press Tab until what is called so, or begins so, has the focus."""
        passed = []
        for _ in range(STOPS):
            self.press(*([SHIFT, TAB] if back else [TAB]))
            passed.append(self.focused())
            if passed[-1].startswith(name):
                return
        raise AssertionError(f"no Tab comes to “{name}”; they come to {passed}")

    def until_it_shows(self, text: str, within: str = "body") -> None:
        """Wait for the text in the first element of that selector."""
        found = f"document.querySelector({within!r})?.textContent.includes({text!r})"
        until(lambda: self.ask(found), f"“{text}” shows in {within}")

    def until_focused(self, name: str) -> None:
        """Wait until what is called so, or begins so, has the focus."""
        until(lambda: self.focused().startswith(name), f"“{name}” has the focus")


def in_chromium(page: Page) -> Typist:
    """By Playwright."""

    def strike(*chord: str) -> None:
        page.keyboard.press("+".join(PLAYWRIGHT.get(key, key) for key in chord))

    return Typist(page.goto, page.evaluate, strike)


def in_engine(engine: Engine) -> Typist:
    """By what drives Firefox and WebKit."""
    return Typist(engine.open, engine.ask, engine.strike)
