"""The page in a real browser, as the proxy serves it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect
from simulator.client import Simulator
from support.client import Client
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


def row(page: Page) -> Locator:
    return page.locator("#prompts > li").first


@pytest.mark.ollama(text="The air **scatters** it.")
def test_a_prompt_of_another_program_is_shown_by_its_link_with_question_and_answer(page: Page, stack: Stack) -> None:
    messages = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
    asked = {"model": "llama3.2", "stream": False, "messages": [*messages, {"role": "user", "content": "Why blue?"}]}
    answered = Client(stack.url).post("/api/chat", asked)
    assert answered.status == 200

    page.goto(f"{stack.url}/#p={answered.headers['X-Prompt-Id']}")

    expect(page.locator("article h3")).to_have_text("Why blue?")
    expect(page.locator("article strong")).to_have_text("scatters")
    expect(row(page)).to_contain_text("Completed")


@pytest.mark.ollama(pace=0.05, text=" ".join(f"word{number}" for number in range(200)))
def test_a_cancelled_prompt_keeps_its_text_over_a_reload_and_is_tried_again(
    page: Page, stack: Stack, simulator: Simulator
) -> None:
    page.goto(stack.url)
    page.get_by_role("textbox", name="Prompt", exact=True).fill("Talk.")
    page.get_by_role("button", name="Submit prompt").click()
    expect(page.locator("article")).to_contain_text("word5")
    page.get_by_role("button", name="Cancel: Talk.").click()
    expect(row(page)).to_contain_text("Cancelled Kept the ")

    page.reload()
    expect(page.locator("article")).to_contain_text("word5")
    simulator.set(pace=0, text="Now at once.")
    page.get_by_role("button", name="Try again: Talk.").click()

    expect(row(page)).to_contain_text("Completed")
    expect(page.locator("article")).to_contain_text("Now at once.")


def test_the_queue_is_shown_with_its_last_hour(page: Page, stack: Stack) -> None:
    page.goto(stack.url)

    page.locator("#depth").click()

    expect(page.locator("#charts figure")).to_have_count(3)
    expect(page.locator("#facts")).to_contain_text("Longest wait")


def test_options_are_what_the_model_server_gets(page: Page, stack: Stack, simulator: Simulator) -> None:
    page.goto(stack.url)
    page.get_by_text("Options").click()
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Longest answer").fill("7")
    page.get_by_label("Priority").select_option("batch")

    page.get_by_role("textbox", name="Prompt", exact=True).fill("Hello?")
    page.get_by_role("button", name="Submit prompt").click()
    expect(row(page)).to_contain_text("Completed")

    body = simulator.calls()[-1]["body"]
    assert body["system"] == "Be brief."
    assert (body["options"]["temperature"], body["options"]["num_predict"]) == (0.5, 7)
