"""What somebody reads stays where it is, whatever else happens."""

import pytest
from page_parts import box, open_result, press_more, result, rows, run, streams, submit, tell, until
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy, refusal, status, succeeded

LONG = "".join(f"Paragraph {n} of a long answer.\n\n" for n in range(150))


def answered_and_running(page: Page, proxy: ScriptedProxy) -> None:
    """One long answer that is open, and below it another that is being written."""
    proxy.accept("a", "b", "c", live=True)
    proxy.answer("a", LONG)
    proxy.statuses["b"] = [(200, status("b", "processing", attempt=1))]
    proxy.open()
    submit(page, "first")
    run(page, 2)
    expect(result(page)).to_contain_text("Paragraph 149")


def token(page: Page, text: str, prompt_id: str = "b") -> None:
    tell(page, prompt_id, "token", {"attempt": 1, "text": text}, "1-1")


def top_of(page: Page, text: str) -> float:
    at = page.get_by_text(text, exact=True).bounding_box()
    assert at
    return at["y"]


@pytest.mark.parametrize("scrolled", [0, 900])
@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_read_stays_while_another_prompt_opens_and_is_written(
    page: Page, proxy: ScriptedProxy, scrolled: int, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    answered_and_running(page, proxy)
    page.evaluate("(y) => scrollTo(0, y)", scrolled)
    run(page, 0.5)
    line = "Paragraph 0 of a long answer." if not scrolled else "Paragraph 20 of a long answer."
    before = top_of(page, line)

    page.evaluate("() => { submit('second'); changed(); }")
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    for n in range(8):
        token(page, f"Line {n}.\n\n" * 5)
        run(page, 0.25)
    expect(result(page)).to_have_count(2)
    proxy.answer("b", "Line.\n\n" * 60)
    tell(page, "b", "completed", succeeded("b"))
    run(page, 1)

    assert abs(top_of(page, line) - before) < 1


def test_what_is_opened_beside_what_is_being_written_stands_above_it(page: Page, proxy: ScriptedProxy) -> None:
    answered_and_running(page, proxy)
    page.get_by_role("button", name="Close: first").click()
    submit(page, "second")
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    open_result(page, "first")

    expect(page.locator("article h3")).to_have_text(["first", "second"])
    before = top_of(page, "Paragraph 0 of a long answer.")
    token(page, "More.\n\n" * 50)
    run(page, 0.5)

    assert top_of(page, "Paragraph 0 of a long answer.") == before


def test_what_starts_opens_by_itself_and_several_one_after_the_other(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b", "c", live=True)
    proxy.statuses["a"] = [(200, status("a", "processing", attempt=1))]
    proxy.open()
    for text in ("first", "second", "third"):
        submit(page, text)
    until(page, lambda: any(x["open"] for x in streams(page, "a")))

    expect(page.locator("article h3")).to_have_text(["first"])
    proxy.answer("a", "One.")
    tell(page, "a", "completed", succeeded("a"))
    proxy.statuses["b"] = [(200, status("b", "processing", attempt=1))]

    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    expect(page.locator("article h3")).to_have_text(["first", "second"])


def following(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("b", live=True)
    proxy.statuses["b"] = [(200, status("b", "processing", attempt=1))]
    proxy.open()
    submit(page, "hello")
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    page.get_by_role("button", name="Follow: hello").click()
    token(page, LONG)
    until(page, lambda: page.evaluate("scrollY") > 500)


def test_typing_ends_the_following_and_the_box_stays_under_the_pen(page: Page, proxy: ScriptedProxy) -> None:
    following(page, proxy)

    box(page).focus()
    run(page, 0.5)
    expect(page.get_by_role("button", name="Follow: hello")).to_have_count(1)
    before = box(page).bounding_box()
    page.keyboard.type("next")
    token(page, LONG)
    run(page, 0.5)

    assert box(page).bounding_box() == before


def test_the_scrollbar_ends_the_following(page: Page, proxy: ScriptedProxy) -> None:
    following(page, proxy)

    page.evaluate("scrollBy(0, -300)")  # as a scrollbar does: without a wheel, a key or a touch

    expect(page.get_by_role("button", name="Follow: hello")).to_have_count(1)


def test_shift_and_space_end_the_following(page: Page, proxy: ScriptedProxy) -> None:
    following(page, proxy)
    page.evaluate("document.activeElement.blur()")

    page.keyboard.press("Shift+Space")

    expect(page.get_by_role("button", name="Follow: hello")).to_have_count(1)


def test_a_selection_is_left_alone_while_text_comes(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("b", live=True)
    proxy.statuses["b"] = [(200, status("b", "processing", attempt=1))]
    proxy.open()
    submit(page, "hello")
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    token(page, "These words are chosen")
    expect(result(page).locator(".body")).to_contain_text("chosen")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.body p'))")

    token(page, " and more come")
    run(page, 1)
    chosen = page.evaluate("getSelection().toString()")
    page.evaluate("getSelection().removeAllRanges()")
    run(page, 1)

    assert chosen == "These words are chosen"
    expect(result(page).locator(".body")).to_contain_text("and more come")


def test_a_reload_comes_back_to_the_line_that_was_read(page: Page, proxy: ScriptedProxy) -> None:
    answered_and_running(page, proxy)
    page.evaluate("scrollTo(0, 2500)")
    run(page, 1)
    line = page.evaluate(
        "[...document.querySelectorAll('.body p')].find((x) => x.getBoundingClientRect().top > 0).textContent"
    )
    before = top_of(page, line)

    page.reload()
    run(page, 2)

    until(page, lambda: abs(top_of(page, line) - before) < 2)


def test_a_newly_submitted_prompt_is_first_though_a_hundred_finished_unseen(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")
    for n in range(100):
        proxy.answer(f"p{n}", "An answer.")
    page.evaluate(
        """() => { state.prompts = Array.from({ length: 100 }, (_, n) => Object.assign(newPrompt(`old ${n}`),
          { id: `p${n}`, state: "queued", wanted: false })); changed(); }"""
    )
    page.reload()
    run(page, 1)
    proxy.accept("new", live=True)
    proxy.statuses["new"] = [(200, status("new", "processing", attempt=1))]
    begun = page.evaluate("Date.now()")

    submit(page, "the new one")
    until(page, lambda: any(x["open"] for x in streams(page, "new")))

    assert page.evaluate("Date.now()") - begun < 3000
    run(page, 30)
    expect(rows(page).filter(has_text="Completed")).to_have_count(100)
    assert [x.url for x in proxy.requests if x.url.endswith("/result")] == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_lost_connection_moves_nothing(page: Page, proxy: ScriptedProxy, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")
    before = box(page).bounding_box()

    proxy.down = True
    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.locator("#headline")).to_contain_text("Cannot reach the proxy.")
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    assert box(page).bounding_box() == before


def test_cancel_stays_under_the_pointer_while_its_row_tells_more(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.statuses["a"] = [(200, status("a", position=13))]
    proxy.open()
    submit(page, "hello")
    run(page, 1)
    cancel = page.get_by_role("button", name="Cancel: hello")
    before = cancel.bounding_box()

    proxy.statuses["a"] = [(200, status("a", position=12, eta_seconds=4))]
    run(page, 3)

    expect(rows(page)).to_contain_text("a few seconds to go")
    assert cancel.bounding_box() == before


def test_on_a_telephone_the_answer_comes_before_the_list_which_is_folded(page: Page, proxy: ScriptedProxy) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    proxy.open()
    page.evaluate(
        """() => { state.prompts = Array.from({ length: 20 }, (_, n) => Object.assign(newPrompt(`old ${n}`),
          { id: `p${n}`, state: "completed", text: `answer ${n}`, wanted: n === 19 })); changed(); }"""
    )

    expect(result(page)).to_be_in_viewport()
    expect(rows(page).filter(visible=True)).to_have_count(5)
    page.get_by_role("button", name="Show all 20").click()
    expect(rows(page).filter(visible=True)).to_have_count(20)


def test_on_a_desktop_the_box_stays_in_sight_of_a_reader(page: Page, proxy: ScriptedProxy) -> None:
    answered_and_running(page, proxy)

    page.evaluate("scrollTo(0, 2500)")

    expect(page.get_by_role("button", name="Submit prompt")).to_be_in_viewport()


def test_what_is_printed_is_the_answer_and_all_of_its_code(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "```\n" + "".join(f"line {n} {'x' * 90}\n" for n in range(150)) + "```\n")
    proxy.open()
    submit(page, "hello")
    run(page, 2)

    page.emulate_media(media="print")

    expect(page.get_by_role("button", name="Submit prompt")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy code")).to_be_hidden()
    code = result(page).locator("pre")
    assert code.evaluate("(x) => [x.scrollHeight - x.clientHeight, x.scrollWidth - x.clientWidth]") == [0, 0]


def test_a_link_is_let_go_with_its_prompt_and_the_answer_has_the_focus(page: Page, proxy: ScriptedProxy) -> None:
    proxy.answer("0b6c", "The *answer*.")
    proxy.open("#p=0b6c")

    expect(result(page)).to_be_focused()
    expect(page.locator("article h3")).to_have_text("What was asked")
    press_more(rows(page), "Remove", "What was asked")
    assert page.evaluate("location.hash") == ""
    page.reload()

    expect(page.locator("#headline")).to_contain_text("Connected")
    expect(rows(page)).to_have_count(0)


def test_a_link_to_what_is_gone_says_so(page: Page, proxy: ScriptedProxy) -> None:
    proxy.wholes["0b6c"] = [(404, refusal("not_found", "No prompt has this id."))]
    proxy.open("#p=0b6c")
    run(page, 4)

    expect(rows(page)).to_contain_text("No longer on the server")


def test_the_header_stays_one_height_whatever_it_tells(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")
    before = page.locator("main").bounding_box()

    proxy.queue = {**READY, "paused": True}
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#headline")).to_contain_text("paused")

    assert page.locator("main").bounding_box() == before


def test_there_is_a_way_to_the_answer_that_is_being_written_out_of_sight(page: Page, proxy: ScriptedProxy) -> None:
    answered_and_running(page, proxy)
    page.evaluate("() => { submit('second'); changed(); }")
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    token(page, "These are the words that come.")
    run(page, 1)
    expect(page.get_by_text("These are the words")).not_to_be_in_viewport()

    page.get_by_role("button", name="See what is being written").click()

    expect(page.get_by_text("These are the words")).to_be_in_viewport()
    expect(page.get_by_role("button", name="See what is being written")).to_be_hidden()


def test_a_reload_while_it_is_written_comes_back_to_the_line_that_was_read(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("b", live=True)
    proxy.statuses["b"] = [(200, status("b", "processing", attempt=1))]
    proxy.open()
    submit(page, "hello")
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    token(page, LONG)
    run(page, 1)
    page.evaluate("scrollTo(0, 2000)")
    run(page, 1)
    before = top_of(page, "Paragraph 45 of a long answer.")

    page.reload()
    until(page, lambda: any(x["open"] for x in streams(page, "b")))
    token(page, LONG)
    run(page, 1)

    until(page, lambda: abs(top_of(page, "Paragraph 45 of a long answer.") - before) < 2)
