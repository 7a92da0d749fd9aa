import itertools

from page_parts import result, rows, run, submit, until
from playwright.sync_api import Page, expect
from scripted_proxy import ScriptedProxy, ended, refusal, status, succeeded


def test_the_three_statuses_show_in_their_order_and_then_the_answer(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.statuses["a"] = [(200, status("a", position=1))]
    proxy.results["a"] = [(200, {**succeeded("a"), "response": "Because of **Rayleigh**.", "done_reason": "stop"})]
    proxy.open()

    submit(page, "Why is the sky blue?")
    run(page, 3)
    expect(rows(page)).to_have_attribute("data-state", "queued")
    proxy.statuses["a"] = [(200, status("a", "processing", tokens=132, attempt=1))]
    run(page, 3)
    expect(rows(page)).to_have_attribute("data-state", "processing")
    expect(rows(page)).to_contain_text("132 tokens")
    proxy.statuses["a"] = [(200, succeeded("a"))]
    run(page, 3)
    expect(rows(page)).to_have_attribute("data-state", "completed")

    expect(result(page).locator("strong")).to_have_text("Rayleigh")


def test_position_and_time_to_go_are_told_in_words(page: Page, proxy: ScriptedProxy) -> None:
    told = {
        "a": (1, 4, "Next in line · waited 0:01 · a few seconds to go"),
        "b": (2, 42, "1 ahead · waited 0:01 · about 40 s to go"),
        "c": (13, 300, "12 ahead · waited 0:01 · about 5 min to go"),
        "d": (1235, 9000, "1,234 ahead · waited 0:01 · over an hour to go"),
        "e": (7, None, "6 ahead · waited 0:01"),
    }
    proxy.accept(*told)
    for name, (position, eta, _) in told.items():
        proxy.statuses[name] = [(200, status(name, position=position, eta_seconds=eta))]
    proxy.open()
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 2)  # seconds, where the browser has milliseconds

    for name in told:
        submit(page, name)
        until(page, lambda name=name: name in proxy.prompts())
    run(page, 1.75)

    for name, (_, _, words) in told.items():
        row = rows(page).filter(has=page.get_by_text(name, exact=True))
        expect(row.locator(".state")).to_have_text(f"Queued {words}")


def test_a_completed_prompt_tells_what_it_cost(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    times = {
        "created_at": "2026-01-01T00:00:00.000Z",
        "started_at": "2026-01-01T00:00:14.000Z",
        "completed_at": "2026-01-01T01:02:46.500Z",
    }
    proxy.statuses["a"] = [(200, succeeded("a", **times, tokens=412))]
    proxy.results["a"] = [
        (
            200,
            {
                **succeeded("a"),
                "response": "x",
                "done_reason": "length",
                "eval_count": 412,
                "eval_duration": 40_000_000_000,
            },
        )
    ]
    proxy.open()

    submit(page, "hello")
    run(page, 2)

    told = "waited 0:14 · took 1:02:32 · 412 tokens · 10.3 tokens/s · cut at the limit"
    expect(result(page)).to_contain_text(told)
    expect(rows(page).locator(".state")).to_have_text("Completed took 1:02:32 · 412 tokens")


def test_a_failed_prompt_shows_its_message_and_the_text_that_had_come(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.end("a", "failed", "The model server broke off.", "Three words *came*")
    proxy.open()

    submit(page, "hello")
    run(page, 2)

    expect(rows(page)).to_contain_text("Failed The model server broke off. Kept the 3 words that had come.")
    expect(result(page)).to_contain_text("Three words came")
    expect(result(page).locator("em")).to_have_text("came")


def test_an_expired_prompt_says_so_and_nobody_asks_for_its_answer(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.statuses["a"] = [(200, {**ended("a", "expired", "expired"), "attempt": 0})]
    proxy.open()

    submit(page, "hello")
    run(page, 2)

    expect(rows(page)).to_contain_text("Expired It was not started in time.")
    expect(result(page)).to_have_count(0)


def test_one_404_is_not_the_end_but_two_are(page: Page, proxy: ScriptedProxy) -> None:
    gone = (404, refusal("not_found", "No prompt has this id."))
    proxy.accept("a")
    proxy.statuses["a"] = [gone, (200, status("a", position=1)), gone]
    proxy.open()

    submit(page, "hello")
    run(page, 3.5)
    expect(rows(page)).to_contain_text("Queued")
    run(page, 4)

    expect(rows(page)).to_contain_text("No longer on the server")


def test_cancel_is_shown_only_when_the_proxy_has_confirmed_it(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    cancelled = ended("a", "cancelled", "cancelled")
    proxy.cancels["a"] = [(503, refusal("storage_unavailable", "Locked."), {"Retry-After": "1"}), (200, cancelled)]
    proxy.results["a"] = [(410, {**cancelled, "partial": "half an"})]
    proxy.open()
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Queued")

    page.get_by_role("button", name="Cancel: hello").click()

    expect(rows(page)).to_contain_text("Cancelling…")
    run(page, 2)
    expect(rows(page)).to_contain_text("Cancelled Kept the 2 words that had come.")
    expect(page.locator("#prompts .title")).to_be_focused()


def test_a_cancel_that_comes_too_late_says_so_and_shows_the_answer(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.cancels["a"] = [(200, succeeded("a"))]
    proxy.results["a"] = [(200, {**succeeded("a"), "response": "Here it is.", "done_reason": "stop"})]
    proxy.open()
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Queued")

    page.get_by_role("button", name="Cancel: hello").click()

    expect(rows(page)).to_contain_text("Completed It had already finished.")
    expect(result(page)).to_contain_text("Here it is.")


def test_a_cancel_that_three_tries_did_not_confirm_can_be_tried_again(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.cancels["a"] = [(500, {})]
    proxy.open()
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Queued")

    page.get_by_role("button", name="Cancel: hello").click()
    run(page, 8)

    expect(rows(page)).to_contain_text("Cancel not confirmed.")
    expect(page.get_by_role("button", name="Cancel: hello")).to_be_visible()


def test_a_proxy_that_is_down_keeps_every_row_and_is_asked_ever_more_seldom(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b", "c")
    proxy.open()
    for text in ("one", "two", "three"):
        submit(page, text)
    expect(rows(page).filter(has_text="Queued")).to_have_count(3)
    proxy.down = True
    page.evaluate("window.calls = []")

    run(page, 66)

    times = [time for time, _ in page.evaluate("window.calls")]
    gaps = [round((late - soon) / 1000) for soon, late in itertools.pairwise(times)]
    assert [gap for gap in gaps if gap][:6] == [1, 2, 4, 8, 15, 30]
    expect(page.locator("#headline")).to_contain_text("Cannot reach the proxy. Trying again in")
    expect(rows(page).filter(has_text="last checked")).to_have_count(3)
    proxy.down = False
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#headline")).to_contain_text("Connected")


def test_ten_prompts_in_flight_cost_four_calls_a_second_and_two_at_once(page: Page, proxy: ScriptedProxy) -> None:
    names = [f"prompt-{n}" for n in range(10)]
    proxy.accept(*names)
    for name in names:
        proxy.statuses[name] = [(200, status(name, "processing"))]
    proxy.open()
    for name in names:
        submit(page, name)
    expect(rows(page)).to_have_count(10)
    until(page, lambda: len(proxy.posts()) == 10)
    page.evaluate("window.calls = []; window.most = 0")

    run(page, 10)

    calls = page.evaluate("window.calls")
    asked = {url for _, url in calls if url.endswith("/status")}
    assert len(asked) == 10
    assert min(late - soon for (soon, _), (late, _) in itertools.pairwise(calls)) >= 249
    assert page.evaluate("window.most") <= 2


def test_no_more_than_two_looks_hang_at_once(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b", "c", "d")
    proxy.open()
    for text in ("one", "two", "three", "four"):
        submit(page, text)
    expect(rows(page).filter(has_text="Queued")).to_have_count(4)
    until(page, lambda: page.evaluate("window.flying") == 0)

    page.evaluate("window.hang = true; window.most = 0")
    page.clock.run_for(5000)

    assert page.evaluate("window.most") == 2


def test_a_hidden_tab_rests_and_wakes_at_once(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script("Object.defineProperty(Document.prototype, 'hidden', { get: () => Boolean(window.away) })")
    proxy.accept("a")
    proxy.statuses["a"] = [(200, status("a", "processing"))]
    proxy.open()
    submit(page, "hello")
    expect(rows(page)).to_contain_text("Processing")

    page.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange')); window.calls = []")
    run(page, 60)
    hidden = len(page.evaluate("window.calls"))
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")

    assert 1 <= hidden <= 4
    until(page, lambda: len(page.evaluate("window.calls")) > hidden)


def test_a_prompt_that_was_put_back_says_why(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    words = "the connection broke <b>off</b>."
    proxy.statuses["a"] = [(200, status("a", position=1, attempt=1, last_error=words))]
    proxy.open()

    submit(page, "hello")
    run(page, 2)

    expect(rows(page)).to_contain_text("Next in line")
    expect(rows(page)).to_contain_text("put back: the connection broke <b>off</b>")
