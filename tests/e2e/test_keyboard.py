"""Every journey by keyboard alone, in Chromium, Firefox and WebKit: what Tab comes to, and where the focus goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from e2e import engines
from e2e.engines import BACKSPACE, ENTER, ESCAPE, TAB
from e2e.typist import Typist, in_chromium, in_engine
from support.machine import unable
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser
    from simulator.client import Simulator
    from support.stack import Stack

ROWS = "document.getElementById('prompts').childElementCount"
SLOW = " ".join(f"word{number}" for number in range(400))


@pytest.fixture(scope="module", params=["chromium", *sorted(engines.ENGINES)])
def newcomer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Typist]]:
    """Give a typist of that browser."""
    name = request.param
    if name == "chromium":
        browser: Browser = request.getfixturevalue("browser")
        yield lambda: in_chromium(browser.new_context().new_page())
        for context in browser.contexts:
            context.close()
        return
    if reason := engines.missing(name):
        unable(reason)
    with engines.ENGINES[name](tmp_path_factory.mktemp(name)) as running:
        yield lambda: in_engine(running)


@pytest.fixture
def typist(newcomer: Callable[[], Typist], stack: Stack) -> Typist:
    """In front of the page for the first time."""
    typist = newcomer()
    typist.open(stack.url)
    typist.until_it_shows("ready", within="#headline")
    if typist.ask(f"{ROWS} > 0"):
        for act in ("forgetAll", "forget"):
            typist.ask(f"document.querySelector('[data-act={act}]').click()")
        until(lambda: typist.ask(ROWS) == 0, "the last one's prompts are forgotten")
        typist.open(stack.url)
        typist.until_it_shows("ready", within="#headline")
    if (
        typist.focused() != "Prompt"
    ):  # it has the focus at a first visit, but where there is no mouse, as in Firefox here
        typist.go_to("Prompt")
    return typist


@pytest.mark.ollama(text="Because of the air.")
def test_a_prompt_is_submitted_and_its_answer_opened(typist: Typist) -> None:
    typist.submit("Why blue?")
    typist.until_it_shows("Completed", within="#prompts")
    assert typist.focused() == "Prompt"  # ready for the next

    typist.go_to("Open: Why blue?")
    typist.press(ENTER)

    typist.until_it_shows("Because of the air.", within="article:focus")


def test_the_first_stop_of_all_leads_past_everything_to_the_results(typist: Typist) -> None:
    typist.go_to("Skip to results", back=True)

    typist.press(ENTER)
    typist.press(TAB)

    assert typist.focused() == "Explain in three sentences why the sky is blue."


def test_an_example_is_submitted(typist: Typist) -> None:
    typist.go_to("Write a haiku")
    typist.press(ENTER)
    typist.until_focused("Submit prompt")
    typist.press(ENTER)

    typist.until_it_shows("Completed", within="#prompts")
    assert typist.ask("document.querySelector('#prompts .title').textContent") == "Write a haiku about waiting in line."


@pytest.mark.ollama(pace=0.05, text=SLOW)
def test_a_prompt_is_cancelled_in_mid_answer(typist: Typist, simulator: Simulator) -> None:
    typist.submit("Talk.")
    typist.until_it_shows("word5", within="article")

    typist.go_to("Cancel: Talk.")
    typist.press(ENTER)

    typist.until_it_shows("Cancelled", within="#prompts")
    assert simulator.wait_for_end(1)["end"] == "client_closed"
    typist.until_focused("Talk.")  # its row's title, for the button is gone


def test_a_prompt_is_edited_and_handed_in_again(typist: Typist, simulator: Simulator) -> None:
    typist.submit("Once.")
    typist.until_it_shows("Completed", within="#prompts")

    typist.go_to("More: Once.")
    typist.press(ENTER)
    typist.go_to("Edit: Once.")
    typist.press(ENTER)
    typist.until_focused("Prompt")
    typist.submit(" And once more.")

    until(lambda: len(simulator.calls()) == 2, "it is asked again")
    assert simulator.calls()[-1]["body"]["prompt"] == "Once. And once more."


def test_a_prompt_is_removed_and_comes_back(typist: Typist) -> None:
    typist.submit("Keep me.")
    typist.until_it_shows("Completed", within="#prompts")

    typist.go_to("More: Keep me.")
    typist.press(ENTER)
    typist.go_to("Remove: Keep me.")
    typist.press(ENTER)
    until(lambda: typist.ask(ROWS) == 0, "it is removed")
    typist.until_focused("Prompts")
    typist.go_to("Undo")
    typist.press(ENTER)

    typist.until_it_shows("Keep me.", within="#prompts")


def test_a_conversation_goes_on(typist: Typist, simulator: Simulator) -> None:
    simulator.set(text="Hello to you.")
    typist.submit("Hello.")
    typist.until_it_shows("Completed", within="#prompts")

    typist.go_to("Follow up: Hello.")
    typist.press(ENTER)
    typist.until_focused("Prompt")
    typist.submit("And again.")

    until(lambda: len(simulator.calls()) == 2, "it is asked")
    said = simulator.calls()[-1]["body"]["messages"]
    assert [message["content"] for message in said] == ["Hello.", "Hello to you.", "And again."]
    typist.until_it_shows("Conversation: And again.", within="#reply")  # and goes on


def test_options_are_set(typist: Typist, simulator: Simulator) -> None:
    typist.go_to("Options")
    typist.press(ENTER)
    typist.go_to("System prompt")
    typist.write("Be brief.")
    typist.go_to("Temperature")
    typist.write("1")
    typist.go_to("Prompt", back=True)
    typist.submit("Hello?")

    until(simulator.calls, "it is asked")
    body = simulator.calls()[0]["body"]
    assert body["system"] == "Be brief."
    assert body["options"]["temperature"] == 1


def test_the_queue_is_looked_at_and_closed_again(typist: Typist) -> None:
    typist.go_to("0 queued", back=True)
    typist.press(ENTER)
    typist.until_it_shows("Longest wait", within="#facts")

    typist.press(ENTER)  # the focus is where it was

    until(lambda: typist.ask("document.getElementById('queue').hidden"), "the view is closed")


def test_the_history_is_filtered(typist: Typist) -> None:
    for text in ("Apples.", "Pears."):
        typist.submit(text)
    rows = "[...document.querySelectorAll('#prompts > li .title')].map((x) => x.textContent).join()"
    until(lambda: typist.ask(rows) == "Pears.,Apples.", "both are there")

    typist.go_to("Filter")
    typist.write("app")
    until(lambda: typist.ask(rows) == "Apples.", "one is found")
    for _ in "app":
        typist.press(BACKSPACE)

    until(lambda: typist.ask(rows) == "Pears.,Apples.", "both are there again")


def test_forgetting_everything_asks_and_whoever_escapes_keeps_it(typist: Typist) -> None:
    typist.submit("Mine.")
    typist.until_it_shows("Completed", within="#prompts")
    typist.go_to("Forget everything")

    typist.press(ENTER)
    typist.until_focused("Keep")
    typist.press(ESCAPE)
    typist.until_focused("Forget everything")
    assert typist.ask(ROWS) == 1
    typist.press(ENTER)
    typist.until_focused("Keep")
    typist.go_to("Forget")
    typist.press(ENTER)

    until(lambda: typist.ask(ROWS) == 0, "all is forgotten")


def test_wherever_the_focus_is_it_can_be_seen(typist: Typist) -> None:
    typist.submit("Hello.")
    typist.until_it_shows("Completed", within="#prompts")
    outline = (
        "(({ outlineStyle, outlineWidth }) => outlineStyle + outlineWidth)(getComputedStyle(document.activeElement))"
    )
    seen = {}

    while (name := typist.focused()) not in {"", "Skip to results"}:  # behind the page's end it begins anew
        seen[name] = typist.ask(outline)
        typist.press(TAB)

    assert {"Prompt", "Submit prompt", "Open: Hello.", "Forget everything"} <= seen.keys()
    assert {name: line for name, line in seen.items() if line != "solid3px"} == {}
