"""The page in a real browser, as the proxy serves it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from simulator.client import Simulator
from support.stack import Stack


@pytest.fixture(autouse=True)
def complaints(page: Page) -> Iterator[None]:
    """The console stays free of errors and warnings."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.set_default_timeout(10_000)
    expect.set_options(timeout=10_000)
    yield
    assert heard == []


@pytest.mark.ollama(models=[], pull_time=3)
def test_the_page_shows_how_far_the_model_s_download_is(
    page: Page, build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build()
    stack.start()
    page.goto(stack.url)

    page.get_by_role("textbox", name="Prompt", exact=True).fill("Are you there?")
    page.get_by_role("button", name="Submit prompt").click()
    row = page.locator("#prompts > li")

    download = page.get_by_role("progressbar", name="Model download")
    expect(download).to_be_visible()
    expect(page.locator("header")).to_contain_text("The model is downloading: ")
    expect(row).to_contain_text("Queued")
    assert simulator.calls() == []
    expect(row).to_contain_text("Completed", timeout=20_000)
    expect(download).to_be_hidden()
    expect(page.locator("header")).to_contain_text("llama3.2 ready")
