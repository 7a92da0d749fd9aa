"""The page in one hand: no keyboard but the one on the screen, and little room beside it."""

import pytest
from page_parts import box, result, run, streams, submit, tell, until
from playwright.sync_api import Page, expect
from scripted_proxy import ScriptedProxy, status

TELEPHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
pytestmark = pytest.mark.browser_context_args(**TELEPHONE)


def test_beside_the_keyboard_of_the_screen_the_box_and_its_button_are_in_sight(
    page: Page, proxy: ScriptedProxy
) -> None:
    page.set_viewport_size({"width": 390, "height": 420})  # what the keyboard leaves
    proxy.open()

    box(page).tap()

    expect(box(page)).to_be_focused()
    expect(box(page)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Submit prompt")).to_be_in_viewport(ratio=1)


def test_nobody_is_told_of_a_chord_that_cannot_be_struck(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")

    expect(page.locator("#hint")).to_have_text("")


def test_no_keyboard_comes_up_unasked(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")

    expect(box(page)).not_to_be_focused()


def test_a_follow_up_of_a_long_answer_is_one_touch_from_the_box(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b", live=True)
    proxy.answer("a", "".join(f"Paragraph {n} of a long answer.\n\n" for n in range(100)))
    proxy.statuses["b"] = [(200, status("b", "processing", attempt=1))]
    proxy.open()
    submit(page, "First.")
    run(page, 2)
    page.get_by_role("button", name="Follow up: First.").tap()

    submit(page, "Second.")
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    tell(page, "b", "token", {"attempt": 1, "text": "These are the words."}, "1-1")
    run(page, 1)
    expect(result(page)).to_have_count(2)
    page.get_by_role("button", name="See what is being written").tap()

    expect(page.get_by_text("These are the words.")).to_be_in_viewport()
    expect(page.get_by_role("button", name="To the prompt")).to_be_in_viewport()


def test_nothing_that_is_touched_is_smaller_than_a_fingertip(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "```\ncode\n```")
    proxy.open()
    submit(page, "Hello?")
    run(page, 2)

    targets = page.locator("button:visible, summary:visible, input:visible")
    sizes = targets.evaluate_all("(all) => all.map((x) => [x.innerText, x.offsetWidth, x.offsetHeight])")
    assert [x for x in sizes if min(x[1], x[2]) < 24] == []  # pixels, as WCAG 2.2 has it
    assert len(sizes) > 8
