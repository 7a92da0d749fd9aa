"""A real Chromium on the page, and a proxy that answers as each test scripts it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from support import machine

sys.path.append(str(Path(__file__).parent))  # pytest imports without it, and the tests share two modules

from page_parts import take_the_clock
from scripted_proxy import ScriptedProxy

expect.set_options(timeout=15_000)  # a deadline for busy machines; what holds at once costs nothing


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | machine.chromium()


@pytest.fixture
def proxy(page: Page) -> Iterator[ScriptedProxy]:
    """The proxy behind `page`. The test fails if the console holds an error that the script did not provoke."""
    take_the_clock(page)
    proxy = ScriptedProxy(page)
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and message.location["url"] not in proxy.refused:
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield proxy
    assert complaints == []
    assert proxy.strangers == []
