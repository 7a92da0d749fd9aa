"""The page before a proxy that has keys: it asks for one, and shows what its owner has and may do."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from simulator.client import Simulator
from support.stack import Stack


def started(build: Callable[..., Stack]) -> Stack:
    stack = build()
    stack.start()
    return stack


def key(stack: Stack, *owner: str) -> str:
    made = stack.operate("keys", "add", *owner)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def enter(page: Page, stack: Stack, secret: str) -> None:
    page.goto(stack.url)
    page.get_by_label("API key", exact=True).fill(secret)
    page.keyboard.press("Enter")
    expect(page.locator("#headline")).to_contain_text("llama3.2 ready")


def submit(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Prompt", exact=True).fill(text)
    page.get_by_role("button", name="Submit prompt").click()


@pytest.mark.both_engines
@pytest.mark.ollama(text="The air **scatters** it.")
def test_whoever_has_a_key_submits_and_reads_and_whoever_has_none_sees_nothing(
    page: Page, build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = started(build)
    anna = key(stack, "anna")
    page.goto(stack.url)
    door = page.get_by_role("dialog")

    expect(door).to_contain_text("This proxy asks for an API key.")
    page.get_by_label("API key", exact=True).fill("guessed")
    page.keyboard.press("Enter")
    expect(door).to_contain_text("The proxy does not know this key")
    assert simulator.calls() == []
    page.get_by_label("API key", exact=True).fill(anna)
    page.keyboard.press("Enter")
    expect(page.locator("#headline")).to_contain_text("llama3.2 ready")

    submit(page, "Why blue?")
    expect(page.locator("article strong")).to_have_text("scatters")
    expect(page.locator("#prompts > li")).to_contain_text("Completed")
    page.reload()
    expect(page.locator("article strong")).to_have_text("scatters")
    assert anna not in stack.log("proxy")


@pytest.mark.ollama(pace=0.05, text=" ".join(f"word{number}" for number in range(400)))
def test_a_second_browser_sees_what_the_first_has_submitted_and_another_owner_does_not(
    page: Page, browser: Browser, build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = started(build)
    anna, bert, root = key(stack, "anna"), key(stack, "bert"), key(stack, "root", "--role", "admin")
    enter(page, stack, anna)
    submit(page, "Talk.")
    expect(page.locator("article")).to_contain_text("word5")

    elsewhere, stranger, admin = (browser.new_context().new_page() for _ in range(3))
    enter(elsewhere, stack, anna)
    enter(stranger, stack, bert)
    enter(admin, stack, root)

    expect(elsewhere.locator("#prompts > li")).to_contain_text("Talk.")
    elsewhere.get_by_role("button", name="Open: Talk.").click()
    expect(elsewhere.locator("article")).to_contain_text("word9")
    elsewhere.locator("#depth").click()
    expect(elsewhere.locator("#facts")).to_contain_text("Yours running1")
    expect(stranger.locator("#none")).to_have_text("Nothing submitted yet.")

    admin.locator("#depth").click()
    expect(admin.locator("#control td").first).to_have_text("anna")
    expect(admin.locator("#control")).to_contain_text("Processing")
    expect(admin.locator("body")).not_to_contain_text("Talk.")
    admin.get_by_role("button", name="Pause the queue").click()
    expect(admin.locator("#headline")).to_contain_text("The queue is paused")
    admin.get_by_role("button", name="Cancel: ").click()
    expect(page.locator("#prompts > li")).to_contain_text("Cancelled")
    assert simulator.wait_for_end(1)["end"] == "client_closed"
    admin.get_by_role("button", name="Resume the queue").click()
    expect(admin.locator("#headline")).to_contain_text("llama3.2 ready")
    for each in (elsewhere, stranger, admin):
        each.context.close()
