"""The page in a real browser, as the proxy serves it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect
from simulator.client import Simulator
from simulator.text import answer_to
from support.stack import Stack

WORDS = " ".join(f"word{number}" for number in range(200))


@pytest.fixture(autouse=True)
def complaints(page: Page) -> Iterator[None]:
    """Whatever the test does, the console stays free of errors and warnings.

    Save one that is the browser's own: it notes every 410, which is how the page hears that there is no whole answer.
    """
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        is_gone = "410" in message.text and message.location["url"].endswith("/result")
        if message.type in {"error", "warning"} and not is_gone:
            heard.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.set_default_timeout(10_000)
    expect.set_options(timeout=10_000)
    yield
    assert heard == []


def submit(page: Page, text: str) -> Locator:
    """Submit it by hand; its row."""
    page.get_by_role("textbox", name="Prompt", exact=True).fill(text)
    page.get_by_role("button", name="Submit prompt").click()
    return page.locator("#prompts > li").filter(has_text=text)


def test_a_prompt_is_seen_queued_then_processing_then_completed_with_its_answer(
    page: Page, stack: Stack, simulator: Simulator
) -> None:
    simulator.fault("hang_between_tokens", match="First", after=3)
    page.goto(stack.url)
    first = submit(page, "First question")
    expect(first).to_contain_text("Processing")
    second = submit(page, "Second question")
    expect(second).to_contain_text("Queued")
    expect(second).to_contain_text("Next in line")
    simulator.set(pace=0.03)

    first.get_by_role("button", name="Cancel").click()

    expect(first).to_contain_text("Cancelled")
    expect(second).to_contain_text("Processing")
    expect(second).to_contain_text("Completed")
    answer = page.get_by_role("article").filter(has_text="Second question")
    expect(answer.get_by_role("heading", name="You asked")).to_be_visible()
    expect(answer.locator("blockquote")).to_have_text("Second question")
    expect(answer.locator("pre")).to_be_visible()
    assert "```" in answer_to("Second question")
    expect(answer).not_to_contain_text("```")


@pytest.mark.ollama(text="Short **and** good.")
def test_two_prompts_at_once_get_an_answer_each(page: Page, stack: Stack) -> None:
    page.goto(stack.url)

    rows = [submit(page, "This one"), submit(page, "That one")]

    for row in rows:
        expect(row).to_contain_text("Completed")
        row.get_by_role("button", name="Open").click()
    answers = page.get_by_role("article")
    expect(answers).to_have_count(2)
    expect(answers.locator("strong")).to_have_text(["and", "and"])


@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_cancel_in_the_page_frees_the_model_and_keeps_what_had_come(
    page: Page, stack: Stack, simulator: Simulator
) -> None:
    page.goto(stack.url)
    row = submit(page, "Talk.")
    simulator.wait_for_tokens(1, 12)

    row.get_by_role("button", name="Cancel").click()

    expect(row).to_contain_text("Cancelled")
    assert simulator.wait_for_end(1)["end"] == "client_closed"
    row.get_by_role("button", name="Open").click()
    expect(page.get_by_role("article")).to_contain_text("word0 word1 word2")


@pytest.mark.ollama(pace=0.02, text=WORDS)
def test_a_page_that_is_loaded_anew_still_shows_its_prompts(page: Page, stack: Stack) -> None:
    page.goto(stack.url)
    expect(submit(page, "Talk.")).to_contain_text("Processing")

    page.reload()

    expect(page.locator("#prompts > li")).to_contain_text("Completed")
    expect(page.get_by_role("article")).to_contain_text("word199")


@pytest.mark.ollama(models=[], pull_time=6)
def test_the_page_shows_how_far_the_model_s_download_is(
    page: Page, build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build()
    stack.start()
    page.goto(stack.url)

    row = submit(page, "Are you there?")

    download = page.get_by_role("progressbar", name="Model download")
    expect(download).to_be_visible()
    expect(page.locator("header")).to_contain_text("The model is downloading: ")
    expect(row).to_contain_text("Queued")
    assert simulator.calls() == []
    expect(row).to_contain_text("Completed", timeout=20_000)
    expect(download).to_be_hidden()
    expect(page.locator("header")).to_contain_text("llama3.2 ready")
