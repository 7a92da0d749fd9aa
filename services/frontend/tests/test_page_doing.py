"""What a person can do with prompts: undo, retry, options, filter, export, links, files, and a first visit."""

import json
import re
from typing import Any

import pytest
from page_parts import box, open_result, press_more, result, rows, run, submit, until
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy, refusal, status


def answered(page: Page, proxy: ScriptedProxy, *texts: str) -> None:
    names = [f"p{n}" for n in range(len(texts))]
    proxy.accept(*names)
    for name, text in zip(names, texts, strict=True):
        proxy.answer(name, f"The answer to {text}.")
    proxy.open()
    for text in texts:
        submit(page, text)
    run(page, 3)
    expect(rows(page).filter(has_text="Completed")).to_have_count(len(texts))


@pytest.mark.parametrize("act", ["Clear finished", "Remove", "Forget"])
def test_whatever_is_removed_comes_back_within_ten_seconds(page: Page, proxy: ScriptedProxy, act: str) -> None:
    answered(page, proxy, "one", "two")

    if act == "Remove":
        press_more(rows(page).first, "Remove", "two")
    elif act == "Forget":
        page.get_by_role("button", name="Forget everything").click()
        page.get_by_role("dialog").get_by_role("button", name="Forget", exact=True).click()
    else:
        page.get_by_role("button", name=act).click()
    expect(rows(page)).to_have_count(1 if act == "Remove" else 0)
    page.get_by_role("button", name="Undo").click()

    expect(page.locator("#prompts .title")).to_have_text(["two", "one"])
    run(page, 1)
    page.reload()
    expect(rows(page)).to_have_count(2)


def test_after_ten_seconds_nothing_can_be_undone(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy, "one")

    page.get_by_role("button", name="Clear finished").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    run(page, 11)

    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


def test_whoever_forgets_what_is_in_flight_is_told_and_can_cancel_it(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.cancels["a"] = [(200, status("a", "completed", outcome="cancelled"))]
    proxy.open()
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Queued")

    page.get_by_role("button", name="Forget everything").click()
    expect(page.get_by_role("dialog")).to_contain_text("One prompt is still in flight")
    expect(page.locator("#sure .main")).to_have_text("Keep")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.get_by_role("button", name="Cancel and forget").click()

    expect(rows(page)).to_have_count(0)
    until(page, lambda: any(x.url.endswith("/prompt/a/cancel") for x in proxy.requests))


def test_a_failed_prompt_is_tried_again_in_its_own_place(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.end("a", "failed", "It broke.", "half")
    proxy.open()
    submit(page, "hello")
    run(page, 2)
    expect(result(page)).to_contain_text("half")

    proxy.retries["a"] = [(200, status("a", position=3, attempt=1))]
    proxy.statuses["a"] = [(200, status("a", position=3, attempt=1))]
    page.get_by_role("button", name="Try again: hello").click()
    expect(rows(page)).to_contain_text("2 ahead")
    proxy.answer("a", "This time it worked.")
    run(page, 5)

    expect(rows(page)).to_have_count(1)
    expect(result(page)).to_contain_text("This time it worked.")
    assert len(proxy.posts()) == 1


def test_a_prompt_that_cannot_be_tried_again_says_why(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.end("a", "failed", "It broke.")
    proxy.open()
    submit(page, "hello")
    run(page, 2)

    proxy.retries["a"] = [(409, refusal("not_retryable", "It would be refused again."))]
    page.get_by_role("button", name="Try again: hello").click()

    expect(rows(page)).to_contain_text("Failed It broke. It would be refused again.")


def test_the_text_of_a_failed_prompt_is_read_without_an_error(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.end("a", "failed", "It broke.", "half of it")
    proxy.open()
    submit(page, "hello")
    run(page, 2)

    expect(result(page)).to_contain_text("half of it")
    assert proxy.refused == set()


def test_options_are_sent_along_and_kept_for_the_next(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b", "c")
    proxy.answer("a", "Yes.")
    proxy.open()
    page.get_by_text("Options").click()
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Temperature").fill("0.2")
    page.get_by_label("Longest answer").fill("50")
    page.get_by_label("Priority").select_option("batch")

    submit(page, "hello")
    run(page, 2)
    page.reload()
    page.get_by_role("button", name="Follow up: hello").click()
    submit(page, "and?")
    until(page, lambda: len(proxy.posts()) == 2)

    asked = {"priority": "batch", "options": {"temperature": 0.2, "num_predict": 50}}
    assert proxy.bodies()[0] == {"prompt": "hello", "system": "Be brief.", **asked}
    said = [("system", "Be brief."), ("user", "hello"), ("assistant", "Yes."), ("user", "and?")]
    messages = [{"role": role, "content": content} for role, content in said]
    assert proxy.bodies()[1] == {"messages": messages, **asked}
    expect(page.locator("#options summary")).to_have_text("Options (4)")


def test_an_option_that_makes_no_sense_is_not_sent(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    page.get_by_text("Options").click()
    page.get_by_label("Temperature").fill("7")
    page.get_by_text("Options").click()

    submit(page, "hello")
    expect(page.get_by_label("Temperature")).to_be_focused()

    assert proxy.posts() == []


def test_the_filter_finds_what_was_asked_and_what_was_answered(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy, "apples", "pears", "plums")

    page.get_by_role("searchbox").fill("PEARS")
    expect(page.locator("#prompts .title")).to_have_text(["pears"])
    page.get_by_role("searchbox").fill("answer to pl")
    expect(page.locator("#prompts .title")).to_have_text(["plums"])
    page.get_by_role("searchbox").fill("cherries")
    expect(page.locator("#none")).to_have_text("No prompt here has these words.")


def test_a_prompt_of_another_program_is_opened_by_its_id(page: Page, proxy: ScriptedProxy) -> None:
    name = "0b6c1f6e-1111-4222-8333-123456789abc"
    proxy.answer(name, "For a *program*.")
    proxy.open()

    page.get_by_role("searchbox").fill(name)
    page.get_by_role("button", name="Open this prompt").click()

    expect(page.locator("article h3")).to_have_text("What was asked")
    expect(result(page).locator("em")).to_have_text("program")


def test_a_link_shows_a_conversation_s_last_question_and_can_be_made(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script("addEventListener('copy', () => { window.copied = document.activeElement.value; });")
    answered(page, proxy, "one")
    press_more(rows(page), "Copy link", "one")
    until(page, lambda: page.evaluate("window.copied") == "http://proxy.test/#p=p0")

    messages = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    asked: dict[str, Any] = {"messages": [*messages, {"role": "user", "content": "And\nthen?"}]}
    body = {**proxy.wholes["p0"][0][1], "id": "x", "request": asked}
    proxy.wholes["x"] = [(200, body)]
    page.evaluate("location.hash = '#p=x'")

    expect(page.locator("article h3").last).to_have_text("And then?")
    press_more(rows(page).first, "Edit", "And")
    expect(box(page)).to_have_value("And\nthen?")


def test_a_prompt_of_another_face_is_sent_again_with_all_that_it_asked_for(page: Page, proxy: ScriptedProxy) -> None:
    weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    said = [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": "", "tool_calls": [weather]}]
    last = {"role": "tool", "content": "It rains.", "tool_name": "weather"}
    asked = {"messages": [*said, last], "tools": [weather], "format": "json", "options": {"seed": 7}}
    proxy.answer("x", "{}")
    proxy.wholes["x"] = [(200, {**proxy.wholes["x"][0][1], "request": asked})]
    proxy.accept("y")
    proxy.open("#p=x")
    expect(page.locator("article h3")).to_have_text("It rains.")

    press_more(rows(page), "Send again", "It rains.")
    until(page, lambda: len(proxy.posts()) == 1)

    assert proxy.bodies() == [asked]


def test_a_text_file_is_dropped_into_the_box(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    box(page).fill("Look at this:")

    drop = """(text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], "notes.txt", { type: "text/plain" }));
      $("prompt").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, "the notes")
    expect(box(page)).to_have_value("Look at this:\n\nthe notes")
    page.evaluate(drop, "\0binary")

    expect(page.locator("#problem")).to_have_text("This file holds no text.")


def test_everything_is_saved_in_one_file(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy, "one", "two")

    with page.expect_download() as saved:
        page.get_by_role("button", name="Save all").click()

    text = saved.value.path().read_text()
    assert re.fullmatch(r"prompts-\d{4}-\d\d-\d\d\.md", saved.value.suggested_filename)
    assert text.index("The answer to one.") < text.index("The answer to two.")


@pytest.mark.parametrize("permission", ["granted", "denied"])
def test_whoever_wants_it_is_told_when_a_prompt_is_done(page: Page, proxy: ScriptedProxy, permission: str) -> None:
    page.add_init_script(f"""window.heard = [];
      Object.defineProperty(window, 'isSecureContext', {{ value: true }});
      window.Notification = class {{ constructor(title) {{ window.heard.push(title); }}
        static requestPermission() {{ return Promise.resolve({permission!r}); }} }};
      Object.defineProperty(Document.prototype, 'hidden', {{ get: () => Boolean(window.away) }});""")
    proxy.accept("a")
    proxy.open()

    page.get_by_role("button", name="Tell me when done").click()
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Queued")
    page.evaluate("window.away = true")
    proxy.answer("a", "Done.")
    run(page, 30)

    assert page.evaluate("window.heard") == (["Result ready: hello"] if permission == "granted" else [])
    denied = "This browser does not allow notifications."
    expect(page.locator("#notice")).to_have_text("" if permission == "granted" else denied)


def test_on_plain_http_nobody_is_offered_what_cannot_be(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()

    expect(page.get_by_role("button", name="Tell me when done")).to_be_hidden()


def test_a_first_visit_explains_itself_and_an_example_fills_the_box(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()

    expect(page.get_by_text("is answered even if you close this page")).to_be_visible()
    expect(page.get_by_role("link", name="the API")).to_have_attribute("href", "openapi.json")
    expect(box(page)).to_be_focused()
    page.get_by_role("button", name="Write a haiku").click()

    expect(box(page)).to_have_value("Write a haiku about waiting in line.")
    expect(page.get_by_role("button", name="Submit prompt")).to_be_focused()
    proxy.accept("a")
    page.keyboard.press("Enter")
    until(page, lambda: proxy.prompts() == ["Write a haiku about waiting in line."])


def test_the_icon_counts_what_is_active_and_tells_of_trouble(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.open()
    submit(page, "hello")
    expect(page.locator("#icon")).to_have_attribute("href", re.compile("%3E1%3C"))
    proxy.down = True
    run(page, 3)

    expect(page.locator("#icon")).to_have_attribute("href", re.compile("%3E!%3C"))


def test_a_row_tells_the_time_of_day(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy, "one")

    expect(rows(page).locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))


def test_a_second_tab_begins_with_an_empty_box(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    box(page).fill("half a thought")
    run(page, 1)
    other = page.context.new_page()
    other.goto(page.url)

    expect(other.locator("#headline")).to_contain_text("Connected")
    expect(box(other)).to_be_empty()
    expect(box(page)).to_have_value("half a thought")


def test_a_follow_up_waits_for_the_answer_before(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b")
    proxy.answer("a", "Yes.")
    proxy.open()
    submit(page, "first")
    run(page, 2)
    page.get_by_role("button", name="Follow up: first").click()
    submit(page, "second")
    expect(rows(page).first).to_contain_text("Queued")

    submit(page, "third")

    expect(page.locator("#problem")).to_have_text("Wait for the answer before, or start a new topic.")
    expect(box(page)).to_have_value("third")


def test_whoever_changes_the_words_breaks_nothing(page: Page, proxy: ScriptedProxy) -> None:
    """Every word is another one; the acts behind the buttons are the same."""
    page.add_init_script("window.translate = (table) => { for (const name in table) table[name] = `<${name}>`; };")
    proxy.accept("a", "b")
    proxy.answer("a", "The answer.")
    proxy.cancels["b"] = [(200, status("b", "completed", outcome="cancelled", attempt=0))]
    proxy.open()
    page.evaluate("() => { translate(words.acts); translate(words.states); fillWords(); }")

    box(page).fill("hello")
    page.get_by_role("button", name="<submit>").click()
    run(page, 2)
    expect(rows(page)).to_contain_text("<completed>")
    page.get_by_role("button", name="<close>: hello").click()
    page.get_by_role("button", name="<open>: hello").click()
    expect(result(page)).to_contain_text("The answer.")
    box(page).fill("other")
    page.get_by_role("button", name="<submit>").click()
    page.get_by_role("button", name="<cancel>: other").click()
    expect(rows(page).first).to_contain_text("<cancelled>")
    page.get_by_role("button", name="<clear>").click()
    page.get_by_role("button", name="<undo>").click()

    expect(rows(page)).to_have_count(2)


def test_each_button_has_a_word_and_an_act(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()

    lacks = page.evaluate("""() => {
      const named = Object.values(STATES).flatMap((x) => `${x.acts} ${x.more ?? ""}`.split(" ")).filter(Boolean);
      const placed = [...document.querySelectorAll("[data-act]")].map((x) => x.dataset.act);
      return [...new Set([...named, ...placed])].filter((x) => !["submit", "example", "useKey"].includes(x))
        .filter((x) => !ACTS[x] || !words.acts[x]);
    }""")

    assert lacks == []


def test_a_closed_answer_is_loaded_when_it_is_copied(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script("addEventListener('copy', () => { window.copied = document.activeElement.value; });")
    proxy.answer("a", "From the server.")
    proxy.queue = READY
    proxy.open()
    page.evaluate(
        """() => { state.prompts = [Object.assign(newPrompt("hello"),
          { id: "a", state: "completed", outcome: "succeeded", load: true, wanted: false })]; changed(); }"""
    )
    run(page, 3)
    assert json.dumps([x.url for x in proxy.requests]).count("/result") == 0

    page.get_by_role("button", name="Copy: hello").click()

    until(page, lambda: page.evaluate("window.copied") == "From the server.")
    open_result(page, "hello")
    expect(result(page)).to_contain_text("From the server.")
