"""Firefox and WebKit as they are installed, behind the same few verbs. Chromium has Playwright instead."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from marionette_driver.errors import MarionetteException
from marionette_driver.marionette import ActionSequence, Marionette
from selenium.webdriver import ActionChains, WebKitGTK
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service
from support.ports import free_port
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# As WebDriver spells keys, https://www.w3.org/TR/webdriver2/#keyboard-actions
CONTROL, SHIFT, ENTER, TAB, BACKSPACE, ESCAPE = "\ue009", "\ue008", "\ue007", "\ue004", "\ue003", "\ue00c"

FIREFOX, WEBKIT, SCREEN = "firefox-esr", "WebKitWebDriver", "Xvfb"
VIEWERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"


class Driver(Protocol):
    """What Mozilla's Marionette and Selenium have in common."""

    def execute_script(self, script: str) -> Any: ...

    def find_element(self, by: str, value: str) -> Any: ...

    def refresh(self) -> None: ...


class Engine:
    """A browser with one window, told by what a person does and sees."""

    def __init__(self, driver: Driver, open_: Callable[[str], None], strike: Callable[..., None]) -> None:
        self._driver = driver
        self.open = open_
        self.strike = strike
        """Press one key after the other, then let go of them, the last first: where the focus is."""

    def reload(self) -> None:
        self._driver.refresh()

    def type(self, *keys: str, into: str = "prompt") -> None:
        """Into the box of the prompt, or into the field with another id."""
        self._driver.find_element("id", into).send_keys(*keys)

    def press(self, button: str, within: str = "body") -> None:
        """The first button of that name in sight."""
        self._driver.find_element("xpath", f"//{within}//button[normalize-space()='{button}']").click()

    def ask(self, expression: str) -> Any:
        """What this JavaScript gives in the page."""
        return self._driver.execute_script(f"return {expression}")

    def until_it_shows(self, text: str, within: str = "body") -> None:
        until(lambda: self.shows(text, within), f"“{text}” shows in {within}")

    def shows(self, text: str, within: str = "body") -> bool:
        """Whether the first element of that selector has this in its text, in sight or further down."""
        found: str = self.ask(f"document.querySelector('{within}')?.textContent ?? ''")
        return text in found


def missing(name: str) -> str | None:
    """Why this machine cannot run it; None when it can."""
    programs = {"firefox": [FIREFOX], "webkit": [WEBKIT, SCREEN]}[name]
    lacking = [program for program in programs if shutil.which(program) is None]
    return f"not installed: {', '.join(lacking)}; make test says how to get it" if lacking else None


@contextmanager
def firefox(folder: Path) -> Iterator[Engine]:
    """Firefox without a window, with a new profile in `folder`."""
    port = free_port()
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
    command = [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    with (folder / "firefox.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        driver = Marionette(host="127.0.0.1", port=port)
        until(lambda: _began(driver), "Firefox is to be steered", 60)
        yield Engine(driver, driver.navigate, lambda *chord: _strike(driver, chord))
    finally:
        process.terminate()
        process.wait(30)


def _strike(driver: Marionette, chord: Sequence[str]) -> None:
    keys = ActionSequence(driver, "key", "keyboard")
    for key in chord:
        keys.key_down(key)
    for key in reversed(chord):
        keys.key_up(key)
    keys.perform()


def _began(driver: Marionette) -> bool:
    try:
        driver.start_session()
    except (MarionetteException, OSError):
        return False
    return True


@contextmanager
def webkit(folder: Path) -> Iterator[Engine]:
    """WebKit in the little browser that its drivers bring, on a screen that nobody sees."""
    with _screen(folder) as display:
        environment = {
            **os.environ,
            "DISPLAY": display,
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # a container's root may not open it; the page is our own
        }
        options = Options()
        options.binary_location = str(next(Path("/").glob(VIEWERS.lstrip("/"))))
        options.add_argument("--automation")
        driver = WebKitGTK(options=options, service=Service(shutil.which(WEBKIT), env=environment))
        try:
            yield Engine(driver, driver.get, lambda *chord: _chain(driver, chord))
        finally:
            driver.quit()


def _chain(driver: WebKitGTK, chord: Sequence[str]) -> None:
    keys = ActionChains(driver)
    for key in chord:
        keys.key_down(key)
    for key in reversed(chord):
        keys.key_up(key)
    keys.perform()


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    """An X server's display; it finds a free number itself and tells it."""
    told, tells = os.pipe()
    with (folder / "screen.log").open("wb") as log:
        process = subprocess.Popen(
            [SCREEN, "-displayfd", str(tells), "-nolisten", "tcp", "-screen", "0", "1280x900x24"],
            pass_fds=[tells],
            stderr=log,
        )
    os.close(tells)
    try:
        with os.fdopen(told) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        process.terminate()
        process.wait(30)


ENGINES = {"firefox": firefox, "webkit": webkit}
