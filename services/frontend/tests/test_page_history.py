import json
import re

import pytest
from page_parts import box, open_result, press_more, result, rows, run, submit, until
from playwright.sync_api import Page, expect
from scripted_proxy import ScriptedProxy, refusal, status

STORE = "ollama-proxy:v1"


def test_a_reload_loses_no_prompt_whatever_its_status(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b", "c", "d")
    proxy.statuses["a"] = [(200, status("a", position=5))]
    proxy.statuses["b"] = [(200, status("b", "processing", tokens=9))]
    proxy.answer("c", "The *answer*.")
    proxy.end("d", "failed", "It broke.", "half of it")
    proxy.open()
    for text in ("queued one", "running one", "finished one", "broken one"):
        submit(page, text)
    run(page, 4)
    open_result(page, "finished one")
    open_result(page, "broken one")
    expect(result(page)).to_have_count(3)

    page.reload()
    run(page, 2)

    expect(page.locator("#prompts .title")).to_have_text(["broken one", "finished one", "running one", "queued one"])
    expect(rows(page).nth(3)).to_contain_text("Queued 4 ahead")
    expect(rows(page).nth(2)).to_contain_text("Processing")
    expect(rows(page).nth(1)).to_contain_text("Completed")
    expect(rows(page).nth(0)).to_contain_text("Failed It broke. Kept the 3 words that had come.")
    expect(result(page).locator("em")).to_have_text("answer")
    expect(result(page).filter(has_text="half of it")).to_have_count(1)
    assert len(proxy.posts()) == 4


def test_a_prompt_that_was_being_sent_is_sent_again_with_its_key(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")
    proxy.down = True
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Waiting to send")

    proxy.down = False
    proxy.accept("a")
    page.reload()

    expect(rows(page)).to_contain_text("Queued")
    assert len(proxy.keys()) >= 2
    assert len(set(proxy.keys())) == 1


def test_a_cancel_that_was_under_way_is_confirmed_after_a_reload(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.open()
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Queued")
    proxy.down = True
    page.get_by_role("button", name="Cancel: hello").click()
    expect(rows(page)).to_contain_text("Cancelling…")

    proxy.down = False
    proxy.end("a", "cancelled", "cancelled")
    proxy.cancels["a"] = proxy.statuses["a"]
    page.reload()

    expect(rows(page)).to_contain_text("Cancelled")


def test_a_draft_survives_a_reload(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()

    box(page).fill("half a thought")
    page.reload()

    expect(box(page)).to_have_value("half a thought")


def test_what_was_removed_or_closed_stays_so(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b")
    proxy.answer("a", "one")
    proxy.answer("b", "two")
    proxy.open()
    submit(page, "first")
    submit(page, "second")
    run(page, 2)
    expect(result(page)).to_have_count(2)

    press_more(rows(page).last, "Remove", "first")
    expect(page.locator("#prompts .title")).to_be_focused()
    page.get_by_role("button", name="Close: second").click()
    expect(page.locator("#prompts .title")).to_be_focused()
    page.reload()

    expect(rows(page)).to_have_count(1)
    expect(result(page)).to_have_count(0)
    page.get_by_role("button", name="Open: second").click()
    expect(result(page)).to_contain_text("two")
    expect(result(page)).to_be_focused()


def test_an_answer_that_the_server_has_forgotten_says_so(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "one " * 50_001)  # too long to be kept here
    proxy.open()
    submit(page, "hello")
    run(page, 2)
    expect(result(page)).to_have_count(1)

    proxy.results["a"] = [(404, refusal("not_found", "No prompt has this id."))]
    page.reload()
    run(page, 4)

    expect(rows(page)).to_contain_text("No longer on the server No copy was kept.")
    expect(result(page)).to_have_count(0)


@pytest.mark.parametrize("storage", ["localStorage", "sessionStorage"])
def test_a_storage_that_is_closed_is_told_and_does_not_break_the_page(
    page: Page, proxy: ScriptedProxy, storage: str
) -> None:
    closed = "get() { throw new DOMException('closed', 'SecurityError'); }"
    page.add_init_script(f"Object.defineProperty(window, '{storage}', {{ {closed} }})")
    proxy.accept("a")
    proxy.answer("a", "fine")
    proxy.open()

    submit(page, "hello")
    run(page, 2)

    expect(result(page)).to_contain_text("fine")
    expect(page.locator("#notice")).to_contain_text("This browser keeps nothing for this page")


def test_a_link_opens_a_prompt_that_this_browser_has_never_seen(page: Page, proxy: ScriptedProxy) -> None:
    proxy.answer("0b6c", "The *answer*.")
    proxy.refused.add("http://proxy.test/api/v1/prompt/0b6c/events")

    proxy.open("#p=0b6c")

    expect(rows(page)).to_contain_text("What was asked")
    expect(result(page).locator("em")).to_have_text("answer")


def one_finished_and_one_waiting(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b")
    proxy.answer("a", "one")
    proxy.open()
    submit(page, "finished")
    run(page, 2)
    submit(page, "waiting")
    expect(rows(page)).to_have_count(2)


def test_finished_prompts_are_cleared_and_everything_is_forgotten_once_that_is_confirmed(
    page: Page, proxy: ScriptedProxy
) -> None:
    one_finished_and_one_waiting(page, proxy)

    page.get_by_role("button", name="Clear finished").click()
    expect(page.locator("#prompts .title")).to_have_text(["waiting"])
    expect(page.get_by_role("button", name="Clear finished")).to_be_hidden()  # there is nothing to clear any more
    page.get_by_role("button", name="Forget everything").click()
    page.get_by_role("dialog", name="Forget every prompt").get_by_role("button", name="Keep").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Forget everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget", exact=True).click()

    expect(rows(page)).to_have_count(0)
    page.reload()
    expect(rows(page)).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage)") == [STORE]


@pytest.mark.parametrize(
    ("answer", "notice"),
    [
        ((204, {}), ""),
        ((404, refusal("not_found", "No prompt has this id.")), ""),
        ((503, refusal("storage_unavailable", "The disk is full.")), "Not all of them could be removed"),
    ],
)
def test_what_is_forgotten_is_removed_from_the_server_too_if_that_is_wanted(
    page: Page, proxy: ScriptedProxy, answer: tuple[int, dict[str, object]], notice: str
) -> None:
    proxy.deletions = {"a": [answer], "b": [(204, {})]}
    one_finished_and_one_waiting(page, proxy)

    page.get_by_role("button", name="Forget everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove from the server too").click()

    expect(rows(page)).to_have_count(0)
    until(page, lambda: [x.url.rpartition("/")[2] for x in proxy.requests if x.method == "DELETE"] == ["b", "a"])
    expect(page.locator("#notice")).to_have_text(re.compile(f"^{notice}" if notice else "^$"))


def test_where_there_is_no_storage_everything_can_be_forgotten_too(page: Page, proxy: ScriptedProxy) -> None:
    denied = "get() { throw new DOMException('denied', 'SecurityError'); }"
    page.add_init_script(f"Object.defineProperty(window, 'localStorage', {{ {denied} }})")
    proxy.accept("a")
    proxy.open()
    submit(page, "hello")

    page.get_by_role("button", name="Forget everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget", exact=True).click()

    expect(rows(page)).to_have_count(0)


def test_a_storage_that_holds_something_else_is_set_aside(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script(f"localStorage.setItem({json.dumps(STORE)}, '{{')")
    proxy.open()

    expect(page.locator("#notice")).to_have_text("Saved history could not be read and was set aside.")
    aside = f"localStorage.getItem({json.dumps(STORE + ':aside')})"
    assert page.evaluate(aside) == "{"
    proxy.accept("a")
    submit(page, "hello")
    page.get_by_role("button", name="Forget everything").click()
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.get_by_role("button", name="Forget", exact=True).click()
    expect(rows(page)).to_have_count(0)
    assert page.evaluate(aside) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "null",
        "[]",
        '{"prompts": 5}',
        '{"prompts": [{"key": 1}, null]}',
        '{"draft": {"a": 1}, "spare": 7, "prompts": []}',
    ],
)
def test_a_storage_that_holds_something_else_does_not_break_the_page(
    page: Page, proxy: ScriptedProxy, text: str
) -> None:
    page.add_init_script(f"localStorage.setItem({json.dumps(STORE)}, {json.dumps(text)})")
    proxy.accept("a")
    proxy.open()

    submit(page, "hello")

    expect(rows(page)).to_contain_text("Queued")


def test_a_full_storage_keeps_the_newest_prompts(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept(*(f"p{n}" for n in range(4)))
    proxy.open()

    for n in range(4):
        page.evaluate(f"submit('{n} ' + 'x'.repeat(2000000))")
    page.evaluate("changed()")
    until(page, lambda: len(proxy.posts()) == 4)
    expect(page.locator("#notice")).to_contain_text("This browser's storage is full.")
    page.reload()

    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("3 xxx")


def test_answers_are_kept_for_when_the_proxy_is_away_the_newest_first(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    page.evaluate(
        """() => {
          state.prompts = Array.from({ length: 12 }, (_, n) => Object.assign(newPrompt(`prompt ${n}`),
            { id: `p${n}`, state: "completed", wanted: false, text: `answer ${n} ` + "word ".repeat(38000) }));
          changed();
        }"""
    )
    proxy.down = True
    page.reload()
    expect(rows(page)).to_have_count(12)

    kept = page.evaluate("Object.entries(localStorage).reduce((sum, [key, text]) => sum + key.length + text.length, 0)")
    assert 1_500_000 < kept < 2_000_000
    for name, shown in {"prompt 0": "answer 0", "prompt 11": "Loading the answer…"}.items():
        page.get_by_role("button", name=f"Open: {name}", exact=True).click()
        expect(result(page).filter(has_text=name).first).to_contain_text(shown)


def test_two_tabs_show_the_same_prompts_and_forget_none(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b")
    proxy.open()
    other = page.context.new_page()
    other.goto(page.url)

    submit(page, "from the first")
    expect(rows(other)).to_contain_text("from the first")
    submit(other, "from the second")
    expect(rows(page)).to_have_count(2)
    proxy.answer("a", "one")
    expect(result(page)).to_have_count(1)
    proxy.statuses["a"] = [(200, status("a", "processing"))]  # the other tab may still be waiting for it
    press_more(rows(page).last, "Remove", "from the first")

    expect(rows(other)).to_have_count(1)
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("from the second")
