import re

import pytest
from page_parts import SPOKEN, box, press_more, rows, run, submit, until
from playwright.sync_api import Page, expect
from scripted_proxy import ScriptedProxy, refusal

LATER = "The disk is full. Try again after Retry-After seconds."


def test_the_button_submits_the_prompt_as_it_was_written(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.open()

    submit(page, "  Why is the sky blue?\n")

    expect(rows(page)).to_contain_text("Why is the sky blue?")
    expect(rows(page)).to_contain_text("Next in line")
    expect(box(page)).to_be_empty()
    expect(box(page)).to_be_focused()
    assert proxy.prompts() == ["  Why is the sky blue?\n"]


def test_each_prompt_has_an_idempotency_key_of_its_own(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b")
    proxy.open()

    submit(page, "same")
    submit(page, "same")
    until(page, lambda: len(proxy.posts()) == 2)

    first, second = proxy.keys()
    assert first != second
    assert all(re.fullmatch(r"[\x21-\x7e]{16,255}", key) for key in (first, second))


@pytest.mark.parametrize("chord", ["Control+Enter", "Meta+Enter"])
def test_a_chord_submits(page: Page, proxy: ScriptedProxy, chord: str) -> None:
    proxy.accept("a")
    proxy.open()

    box(page).fill("hello")
    box(page).press(chord)

    expect(rows(page)).to_have_count(1)


def test_enter_alone_is_a_new_line(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()

    box(page).fill("one")
    box(page).press("Enter")
    box(page).press_sequentially("two")

    expect(box(page)).to_have_value("one\ntwo")
    expect(rows(page)).to_have_count(0)


def test_an_enter_that_ends_a_composition_does_not_submit(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    keyboard = page.context.new_cdp_session(page)

    box(page).focus()
    keyboard.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229, "modifiers": 2}
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})

    expect(rows(page)).to_have_count(0)
    expect(box(page)).to_have_value("にほん")


def test_a_blank_prompt_is_refused_with_a_reason(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()

    submit(page, "  \n ")

    expect(page.locator("#problem")).to_have_text("Write a prompt first.")
    expect(box(page)).to_have_attribute("aria-invalid", "true")
    expect(box(page)).to_be_focused()
    assert proxy.posts() == []


def test_a_double_click_submits_once(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.open()

    box(page).fill("hello")
    page.get_by_role("button", name="Submit prompt").dblclick()

    expect(rows(page)).to_have_count(1)
    expect(page.locator("#problem")).to_be_empty()
    assert len(proxy.posts()) == 1


def test_a_refused_prompt_says_why_and_is_back_in_the_box(page: Page, proxy: ScriptedProxy) -> None:
    proxy.submits = [(413, refusal("too_large", "The body has 2 MB, the limit is 1 MB."))]
    proxy.open()

    submit(page, "far too long")

    expect(rows(page)).to_contain_text("Not sent")
    expect(rows(page)).to_contain_text("Too long for this proxy (The body has 2 MB, the limit is 1 MB.).")
    expect(box(page)).to_have_value("far too long")


def test_a_full_queue_is_tried_again_after_its_retry_after_with_the_same_key(page: Page, proxy: ScriptedProxy) -> None:
    proxy.submits = [(429, refusal("queue_full", "The queue is full."), {"Retry-After": "7"})]
    proxy.open()

    submit(page, "hello")
    expect(rows(page)).to_contain_text(re.compile(r"Waiting to send\s*The queue is full. Sending again in [67] s\."))
    page.clock.run_for(4000)
    early = len(proxy.posts())
    proxy.submits = [(202, {"id": "a", "status": "queued", "position": 1, "links": {}})]
    page.clock.run_for(4000)

    expect(rows(page)).to_contain_text("Queued")
    assert early == 1
    assert len(proxy.keys()) == 2
    assert len(set(proxy.keys())) == 1


@pytest.mark.parametrize("later", ["0", "Thu, 01 Jan 2015 00:00:00 GMT", "soon"])
def test_a_retry_after_that_tells_nothing_is_no_reason_to_ask_without_a_pause(
    page: Page, proxy: ScriptedProxy, later: str
) -> None:
    proxy.submits = [(429, refusal("queue_full", "The queue is full."), {"Retry-After": later})]
    proxy.open()
    begun = page.evaluate("Date.now()")

    submit(page, "hello")
    run(page, 10)

    seconds = (page.evaluate("Date.now()") - begun) / 1000  # ten, and what passes on a busy machine meanwhile
    assert len(proxy.posts()) < seconds + 2


def test_what_is_refused_again_and_again_is_tried_ever_more_seldom_while_all_else_goes_well(
    page: Page, proxy: ScriptedProxy
) -> None:
    page.add_init_script(SPOKEN)
    proxy.submits = [(500, refusal("internal_error", "A mistake."))]
    proxy.open()

    submit(page, "hello")
    run(page, 60)

    assert 4 <= len(proxy.posts()) <= 8
    assert len(page.evaluate("window.spoken")) <= 2


def test_an_unready_proxy_is_tried_again_with_the_same_key(page: Page, proxy: ScriptedProxy) -> None:
    proxy.submits = [(503, refusal("storage_unavailable", LATER), {"Retry-After": "20"})]
    proxy.open()

    submit(page, "hello")
    told = r"The proxy is not ready: The disk is full\. Trying again in (20|19) s\."
    expect(rows(page)).to_contain_text(re.compile(told))
    proxy.submits = [(202, {"id": "a", "status": "queued", "position": 1, "links": {}})]
    page.clock.run_for(21000)

    expect(rows(page)).to_contain_text("Queued")
    assert len(set(proxy.keys())) == 1


def test_prompts_of_an_offline_time_are_kept_and_sent_later_in_their_order(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")
    proxy.down = True

    for text in ("first", "second", "third"):
        submit(page, text)
    expect(rows(page).filter(has_text="Waiting to send")).to_have_count(3)
    expect(rows(page).last).to_contain_text("Cannot reach the proxy. Your prompt is kept. Trying again")
    failed = len(proxy.posts())
    proxy.down = False
    proxy.accept("a", "b", "c")
    page.get_by_role("button", name="Try now").click()

    expect(rows(page).filter(has_text="Queued")).to_have_count(3)
    assert proxy.prompts()[failed:] == ["first", "second", "third"]
    assert len(set(proxy.keys())) == 3


def test_a_prompt_that_was_never_sent_is_cancelled_at_once(page: Page, proxy: ScriptedProxy) -> None:
    proxy.submits = [(429, refusal("queue_full", "The queue is full."), {"Retry-After": "60"})]
    proxy.open()

    submit(page, "hello")
    page.get_by_role("button", name="Cancel: hello").click()

    expect(rows(page)).to_contain_text("Cancelled It was not sent.")


def test_send_again_makes_a_new_prompt_and_edit_loses_no_draft(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b")
    proxy.end("a", "failed", "No.")
    proxy.open()
    submit(page, "hello")
    run(page, 2)
    expect(rows(page)).to_contain_text("Failed")

    box(page).fill("my draft")
    press_more(page, "Edit", "hello")
    expect(box(page)).to_have_value("hello")
    page.reload()
    page.get_by_role("button", name="Bring back draft").click()
    expect(box(page)).to_have_value("my draft")
    press_more(page, "Send again", "hello")

    expect(rows(page)).to_have_count(2)
    until(page, lambda: len(set(proxy.keys())) == 2)


def test_the_size_of_a_prompt_is_told_before_it_is_too_long(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")

    box(page).fill("é" * 400_000)
    expect(page.locator("#hint")).to_have_text("Ctrl/⌘ + Enter submits")
    box(page).fill("é" * 471_860)

    expect(page.locator("#hint")).to_have_text("922 KB of 1 MB")
