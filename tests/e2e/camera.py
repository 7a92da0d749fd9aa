"""One scene of the page on every screen: a desktop and a telephone, light and dark."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs/page"  # the pictures that a page of the documents shows
OTHERS = ROOT / ".pictures"  # to be looked at
LARGEST = 60_000  # bytes of one that is kept
QUALITY = 75  # percent, at which WebP keeps letters sharp
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 820}, "device_scale_factor": 1.5},
    "mobile": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}


def take(browser: Browser, page: Page, name: str, ready: Callable[[Page], object], start: str = "body") -> None:
    """Show the page's history on every screen, from the top, or on a telephone from `start` on."""
    for screen, options in SCREENS.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                **options, color_scheme=scheme, reduced_motion="reduce", storage_state=page.context.storage_state()
            )
            shown = context.new_page()
            shown.goto(page.url)
            ready(shown)
            _picture(shown, f"{name}-{screen}-{scheme}", start if screen == "mobile" else "body")
            context.close()


def take_as_it_is(page: Page, name: str) -> None:
    """Let the page itself take each screen's shape, where another could not be opened: its server is gone."""
    for screen, options in SCREENS.items():
        for scheme in ("light", "dark"):
            page.set_viewport_size(options["viewport"])
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            _picture(page, f"{name}-{screen}-{scheme}", "body")


def _picture(page: Page, name: str, start: str) -> None:
    """Replace the documents' picture of that name, or put one where nobody but its maker sees it."""
    kept = KEPT / f"{name}.webp"
    path = kept if kept.exists() else OTHERS / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    page.evaluate("(start) => document.querySelector(start).scrollIntoView()", start)
    if path != kept:
        page.screenshot(path=path)
        return
    form = {"format": "webp", "quality": QUALITY}  # a third of a PNG; Playwright itself has none
    path.write_bytes(base64.b64decode(page.context.new_cdp_session(page).send("Page.captureScreenshot", form)["data"]))
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path} has {path.stat().st_size} bytes; {LARGEST} are enough for a picture.")
