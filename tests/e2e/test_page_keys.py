"""The page before a proxy that has keys: it asks for one, and then everything goes on as without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from simulator.client import Simulator
from support.stack import Stack


@pytest.mark.ollama(text="The air **scatters** it.")
def test_whoever_has_a_key_submits_and_reads_and_whoever_has_none_sees_nothing(
    page: Page, build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build()
    stack.start()
    made = stack.operate("keys", "add", "anna")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    page.goto(stack.url)
    door = page.get_by_role("dialog")

    expect(door).to_contain_text("This proxy asks for an API key.")
    page.get_by_label("API key", exact=True).fill("guessed")
    page.keyboard.press("Enter")
    expect(door).to_contain_text("The proxy does not know this key")
    assert simulator.calls() == []
    page.get_by_label("API key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(page.locator("#headline")).to_contain_text("llama3.2 ready")

    page.get_by_role("textbox", name="Prompt", exact=True).fill("Why blue?")
    page.get_by_role("button", name="Submit prompt").click()
    expect(page.locator("article strong")).to_have_text("scatters")
    expect(page.locator("#prompts > li")).to_contain_text("Completed")
    page.reload()
    expect(page.locator("article strong")).to_have_text("scatters")
    assert key not in stack.log("proxy")
