"""Live text over the one event stream that a page holds."""

from page_parts import open_result, result, rows, run, streams, submit, tell, until
from playwright.sync_api import Page, expect
from scripted_proxy import ScriptedProxy, status, succeeded


def processing(page: Page, proxy: ScriptedProxy, prompt_id: str = "a", text: str = "hello") -> None:
    """A prompt that is being answered in view, over a stream."""
    if not proxy.submits:
        proxy.accept("a", "b", live=True)
    proxy.statuses[prompt_id] = [(200, status(prompt_id, "processing", attempt=1))]
    if not page.url.startswith("http"):
        proxy.open()
    submit(page, text)
    until(page, lambda: any(x["open"] for x in streams(page, prompt_id)))


def token(page: Page, text: str, *, attempt: int = 1, event_id: str = "1-1", prompt_id: str = "a") -> None:
    tell(page, prompt_id, "token", {"attempt": attempt, "text": text}, event_id)


def test_live_text_comes_over_the_stream_and_that_prompt_is_not_polled(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    page.evaluate("window.calls = []")

    token(page, "Because **of")
    token(page, " Rayleigh**.")
    run(page, 3)
    expect(result(page).locator("strong")).to_have_text("of Rayleigh")
    expect(rows(page)).to_contain_text("3 words")
    assert [url for _, url in page.evaluate("window.calls") if url.endswith("/status")] == []
    proxy.answer("a", "Because **of Rayleigh**.")
    tell(page, "a", "completed", succeeded("a"))
    run(page, 1)

    expect(rows(page)).to_contain_text("Completed")
    expect(result(page)).to_have_attribute("aria-busy", "false")


def test_a_stream_that_broke_is_resumed_after_its_last_event(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    token(page, "one ", event_id="1-4")

    page.evaluate("window.streams.a[0].end()")
    until(page, lambda: len(streams(page, "a")) == 2)
    token(page, "two", event_id="1-7")
    run(page, 1)

    assert streams(page, "a")[1]["last"] == "1-4"
    expect(result(page).locator(".body")).to_have_text("one two")


def test_a_new_attempt_starts_the_text_anew(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)

    token(page, "The first try")
    run(page, 0.5)
    token(page, "The second", attempt=2, event_id="2-1")
    run(page, 0.5)

    expect(result(page).locator(".body")).to_have_text("The second")


def test_where_streams_are_refused_the_prompt_is_polled(page: Page, proxy: ScriptedProxy) -> None:
    proxy.refused.add("http://proxy.test/api/v1/prompt/a/events")
    proxy.accept("a", live=True)
    proxy.statuses["a"] = [(200, status("a", "processing", attempt=1, tokens=7))]
    proxy.open()
    page.evaluate("window.refusal = 503")

    submit(page, "hello")
    run(page, 2)
    expect(rows(page)).to_contain_text("7 tokens")
    proxy.answer("a", "Here.")
    run(page, 3)

    expect(result(page)).to_contain_text("Here.")


def test_after_three_broken_streams_everything_is_polled(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)

    for n in range(1, 4):
        until(page, lambda n=n: len(streams(page, "a")) == n)
        page.evaluate("window.streams.a.at(-1).end()")
    proxy.answer("a", "Polled.")
    run(page, 3)

    expect(result(page)).to_contain_text("Polled.")
    assert len(streams(page, "a")) == 3


def test_a_stream_that_falls_silent_is_given_up(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 2)  # seconds, where the browser has milliseconds
    token(page, "one")
    until(page, lambda: page.evaluate("state.prompts[0].text") == "one")

    before = len(streams(page, "a"))

    run(page, 19)
    early = len(streams(page, "a"))
    run(page, 2)

    assert early == before
    until(page, lambda: len(streams(page, "a")) == before + 1)
    assert streams(page, "a")[0]["open"] is False


def test_a_page_holds_one_stream_however_much_is_being_answered(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy, "a", "first")
    proxy.statuses["b"] = [(200, status("b", "processing", attempt=1))]
    submit(page, "second")
    open_result(page, "second")
    expect(result(page)).to_have_count(2)
    until(page, lambda: [x["open"] for x in (*streams(page, "a"), *streams(page, "b"))] == [False, True])

    page.get_by_role("button", name="Close: second").click()
    until(page, lambda: streams(page, "a")[-1]["open"])

    assert streams(page, "b")[-1]["open"] is False


def test_a_hidden_tab_holds_no_stream(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script("Object.defineProperty(Document.prototype, 'hidden', { get: () => Boolean(window.away) })")
    processing(page, proxy)

    page.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange'))")
    until(page, lambda: not streams(page, "a")[-1]["open"])
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")

    until(page, lambda: streams(page, "a")[-1]["open"])


def test_a_reload_in_mid_answer_loses_nothing(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    token(page, "Half of", event_id="1-7")
    run(page, 1)

    page.reload()
    until(page, lambda: any(x["open"] for x in streams(page, "a")))
    token(page, "Half of it all")
    run(page, 1)

    assert streams(page, "a")[-1]["last"] is None
    expect(result(page).locator(".body")).to_have_text("Half of it all")


def test_what_is_written_is_never_touched_again(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    token(page, "First paragraph.\n\nSecond")
    run(page, 0.5)
    page.evaluate("window.first = document.querySelector('.body p')")

    for n in range(20):
        token(page, f" and {n}\n\nmore")
        run(page, 0.25)

    assert page.evaluate("window.first === document.querySelector('.body p')")
    expect(result(page).locator(".body p")).to_have_count(22)


def long_text(page: Page) -> None:
    for n in range(12):
        token(page, f"Paragraph {n}.\n\n" * 10)
        run(page, 0.25)


def test_the_page_stays_where_it_is_while_text_comes(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)

    long_text(page)
    proxy.answer("a", "Short.")
    tell(page, "a", "completed", succeeded("a"))
    run(page, 1)

    assert page.evaluate("scrollY") == 0


def test_a_box_of_code_stays_as_its_reader_left_it_while_it_grows(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    token(page, "```py\n" + "line\n" * 80)
    code = result(page).locator("pre")
    expect(code).to_contain_text("line")
    code.focus()
    code.evaluate("(x) => x.scrollTo(0, 300)")

    token(page, "more\n" * 10)
    run(page, 0.5)

    expect(code).to_contain_text("more")
    expect(code).to_be_focused()
    assert code.evaluate("(x) => x.scrollTop") == 300
    assert code.evaluate("(x) => x.source") == "line\n" * 80 + "more\n" * 10 + "\n"


def test_a_box_of_code_gets_its_name_as_soon_as_it_has_come(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    token(page, "```")
    run(page, 0.5)

    token(page, "python\nprint(1)")
    run(page, 0.5)

    expect(result(page).locator(".code > .bar")).to_contain_text("python")


def test_what_is_thought_stays_unfolded_while_it_grows(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    token(page, "<think>Hm.")
    result(page).get_by_text("Thinking").click()

    token(page, " Well.")
    run(page, 0.5)

    expect(result(page).get_by_text("Hm. Well.")).to_be_visible()


def test_the_end_of_an_answer_leaves_its_reader_where_he_was(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    long_text(page)
    page.evaluate("HTMLElement.prototype.select = () => {}")
    result(page).get_by_role("button", name="Copy: hello").click()
    page.evaluate("scrollTo(0, 700)")
    proxy.answer("a", "Paragraph.\n\n" * 120)
    tell(page, "a", "completed", succeeded("a"))
    run(page, 2)

    expect(result(page)).to_contain_text("Completed")
    assert page.evaluate("scrollY") == 700


def test_only_reading_back_ends_the_following(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    page.get_by_role("button", name="Follow: hello").click()

    for key in ("Shift", "PageDown", "Tab"):
        page.keyboard.press(key)
    run(page, 1)
    expect(page.get_by_role("button", name="Unfollow: hello")).to_be_visible()
    page.keyboard.press("PageUp")

    expect(page.get_by_role("button", name="Follow: hello")).to_be_visible()


def test_following_keeps_the_end_in_view_until_somebody_reads_back(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    page.get_by_role("button", name="Follow: hello").click()
    long_text(page)
    followed = page.evaluate("scrollY")

    page.mouse.wheel(0, -300)
    until(page, lambda: page.evaluate("scrollY") < followed)
    there = page.evaluate("scrollY")
    long_text(page)

    assert followed > 500
    assert page.evaluate("scrollY") <= there
    expect(page.get_by_role("button", name="Follow: hello")).to_be_visible()


def test_a_closed_result_leaves_nothing_of_its_text(page: Page, proxy: ScriptedProxy) -> None:
    processing(page, proxy)
    token(page, "Some text")
    run(page, 0.5)

    page.get_by_role("button", name="Close: hello").click()
    expect(result(page)).to_have_count(0)
    open_result(page, "hello")

    expect(result(page)).to_contain_text("Some text")
