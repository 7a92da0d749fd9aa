"""A proxy that asks for a key: how the page gets it, keeps it, and what it shows to whoever has one."""

import json
import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from page_parts import box, open_result, press_more, result, rows, run, streams, submit, until
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy, refusal, status, succeeded

KEY = "op_anna_0123456789"
LIMITS = {
    "waiting": 1000, "running": None, "stored_bytes": 268435456, "streams": 100, "requests_a_second": 20,
    "tokens_a_day": None,
}  # fmt: skip
YOU = {
    "owner": "anna", "role": "user", "waiting": 312, "running": 1, "stored_bytes": 1048576, "streams": 0,
    "tokens_today": 4711, "limits": LIMITS,
}  # fmt: skip
MIDNIGHT = "2026-01-01T00:00:00.000Z"


def listed(prompt_id: str, name: str = "completed", owner: str = "anna", **facts: Any) -> dict[str, Any]:
    body = succeeded(prompt_id) if name == "completed" else status(prompt_id, name)
    return {**body, "created_at": MIDNIGHT, "priority": "interactive", "owner": owner, **facts}


def locked(page: Page, proxy: ScriptedProxy, **facts: Any) -> None:
    """The page before a proxy that asks for a key."""
    proxy.secrets = {KEY}
    proxy.queue = {**READY, "you": {**YOU, **facts}}
    proxy.open()
    expect(page.get_by_role("dialog")).to_contain_text("This proxy asks for an API key.")


def give(page: Page, key: str = KEY) -> None:
    page.get_by_label("API key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def stored(page: Page, storage: str) -> str:
    page.evaluate("save()")
    return str(page.evaluate(f"JSON.stringify({{...{storage}}})"))


def test_a_key_is_asked_for_once_and_sent_with_everything(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "The answer.")
    locked(page, proxy)
    expect(page.get_by_label("API key", exact=True)).to_be_focused()
    expect(page.get_by_role("dialog")).to_contain_text("python -m promptqueue keys add NAME")

    give(page)
    expect(page.locator("#headline")).to_contain_text("Connected")
    asked = len(proxy.requests)
    submit(page, "hello")
    run(page, 2)

    expect(result(page)).to_contain_text("The answer.")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert {x.headers.get("authorization") for x in proxy.requests[asked:]} == {f"Bearer {KEY}"}


def test_a_wrong_key_is_named_as_such_and_asked_for_again(page: Page, proxy: ScriptedProxy) -> None:
    locked(page, proxy)

    give(page, "guessed")
    expect(page.get_by_role("dialog")).to_contain_text("The proxy does not know this key, or its time is over.")
    expect(page.get_by_label("API key", exact=True)).to_be_empty()
    give(page)

    expect(page.locator("#headline")).to_contain_text("Connected")


def test_a_refusal_of_the_key_before_asks_for_no_other(page: Page, proxy: ScriptedProxy) -> None:
    locked(page, proxy)
    give(page)
    expect(page.locator("#headline")).to_contain_text("Connected")

    page.evaluate("lock('the one before')")  # as when two calls were under way with it

    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_key_outlives_a_reload_and_is_in_no_storage_that_outlives_the_tab(page: Page, proxy: ScriptedProxy) -> None:
    locked(page, proxy)
    give(page)
    expect(page.locator("#headline")).to_contain_text("Connected")
    run(page, 1)
    page.reload()
    expect(page.locator("#headline")).to_contain_text("Connected")

    expect(page.get_by_role("dialog")).to_be_hidden()
    assert KEY in stored(page, "sessionStorage")
    assert KEY not in stored(page, "localStorage")
    assert KEY not in page.url
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("dialog")).to_be_visible()


def test_what_waits_for_a_key_is_kept_and_sent_once_it_is_there(page: Page, proxy: ScriptedProxy) -> None:
    proxy.queue = {**READY, "you": YOU}
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")
    proxy.secrets = {KEY}  # as when the first key is made while the page is open
    page.evaluate("() => { submit('hello'); changed(); }")  # a look at the queue may have found the door closed before
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(rows(page)).to_contain_text("Waiting to send This proxy asks for an API key.")
    box(page).fill("a draft")
    asked = len(proxy.requests)
    run(page, 30)
    assert len(proxy.requests) == asked  # nobody knocks at a door that is closed
    proxy.accept("a")
    page.get_by_role("button", name="Give a key").click()
    give(page)

    expect(rows(page)).to_contain_text("Queued")
    expect(box(page)).to_have_value("a draft")


def test_a_key_that_is_revoked_is_asked_for_again_in_the_middle_of_an_answer(page: Page, proxy: ScriptedProxy) -> None:
    locked(page, proxy)
    give(page)
    expect(page.locator("#headline")).to_contain_text("Connected")

    proxy.secrets = {"another one"}
    run(page, 16)

    expect(page.get_by_role("dialog")).to_contain_text("does not know this key")
    give(page, "another one")
    expect(page.locator("#headline")).to_contain_text("Connected")


def test_a_key_that_is_revoked_while_text_comes_is_asked_for_and_the_text_goes_on(
    page: Page, proxy: ScriptedProxy
) -> None:
    proxy.accept("a", live=True)
    proxy.statuses["a"] = [(200, status("a", "processing", attempt=1))]
    proxy.refused.add("http://proxy.test/api/v1/prompt/a/events")
    locked(page, proxy)
    give(page)
    submit(page, "hello")
    until(page, lambda: len(streams(page, "a")) == 1)

    page.evaluate("window.refusal = 401; window.streams.a[0].end()")
    expect(page.get_by_role("dialog")).to_contain_text("does not know this key")
    page.evaluate("window.refusal = 0")
    give(page)

    until(page, lambda: len(streams(page, "a")) == 2)


def test_whoever_forgets_everything_forgets_the_key_too(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "The answer.")
    proxy.deletions["a"] = [(204, {})]
    locked(page, proxy)
    give(page)
    submit(page, "hello")
    run(page, 2)

    page.get_by_role("button", name="Forget everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove from the server too").click()
    until(page, lambda: any(x.method == "DELETE" for x in proxy.requests))

    [deletion] = [x for x in proxy.requests if x.method == "DELETE"]
    assert deletion.headers["authorization"] == f"Bearer {KEY}"
    run(page, 16)
    expect(page.get_by_role("dialog")).to_contain_text("This proxy asks for an API key.")
    assert KEY not in stored(page, "sessionStorage")


def test_a_second_browser_shows_what_the_owner_of_the_key_has(page: Page, proxy: ScriptedProxy) -> None:
    proxy.listed = [listed("run", "processing"), listed("old", created_at="2025-12-31T00:00:00.000Z")]
    proxy.answer("old", "The *answer*.")
    proxy.wholes["run"] = [(200, {**proxy.listed[0], "request": {"prompt": "What runs"}, "answer": None})]
    proxy.statuses["run"] = [(200, status("run", "processing", tokens=7, created_at=MIDNIGHT))]
    locked(page, proxy)
    give(page)
    run(page, 4)

    expect(page.locator("#prompts .title")).to_have_text(["What runs", "What was asked"])
    expect(rows(page).first).to_contain_text("7 tokens")
    expect(result(page)).to_have_count(0)  # nobody asked for them here
    open_result(page, "What was asked")
    expect(result(page).locator("em")).to_have_text("answer")


def test_another_owners_key_leaves_nothing_of_the_former_owners(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    for prompt_id in "abc":
        proxy.answer(prompt_id, f"The answer of {prompt_id}.")
    locked(page, proxy)
    give(page)
    submit(page, "hello")
    proxy.listed = [listed("a"), listed("b")]
    run(page, 15)
    expect(rows(page)).to_have_count(2)

    proxy.secrets = {"another"}
    proxy.queue = {**READY, "you": {**YOU, "owner": "ben"}}
    proxy.listed = [listed("c", owner="ben")]
    run(page, 15)
    give(page, "another")
    run(page, 15)

    expect(rows(page)).to_have_count(1)
    assert "The answer of a." not in stored(page, "localStorage")


def test_what_was_submitted_here_is_listed_once(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.listed = [listed("a", "queued")]
    proxy.wholes["a"] = [(200, {**proxy.listed[0], "request": {"prompt": "hello"}, "answer": None})]
    locked(page, proxy)
    give(page)
    expect(rows(page)).to_have_count(1)

    submit(page, "hello")
    run(page, 12)

    expect(page.locator("#prompts .title")).to_have_text(["hello"])


def test_older_prompts_come_when_they_are_asked_for(page: Page, proxy: ScriptedProxy) -> None:
    proxy.listed = [listed(f"p{n}") for n in range(120)]
    for n in range(120):
        proxy.answer(f"p{n}", "An answer.")
    locked(page, proxy)
    known = "{ id: 'p0', state: 'completed', text: 'Known.', wanted: false }"
    page.evaluate(f"() => {{ state.prompts = [Object.assign(newPrompt('known here'), {known})]; changed(); }}")
    give(page)
    expect(rows(page)).to_have_count(50)

    for number in (100, 120):
        page.get_by_role("button", name="Older").click()
        expect(rows(page)).to_have_count(number)

    expect(page.get_by_role("button", name="Older")).to_be_hidden()


def test_what_is_removed_here_stays_away_though_the_server_lists_it(page: Page, proxy: ScriptedProxy) -> None:
    proxy.listed = [listed("a")]
    proxy.answer("a", "The answer.")
    locked(page, proxy)
    give(page)
    expect(rows(page)).to_contain_text("What was asked")

    press_more(rows(page), "Remove", "What was asked")
    run(page, 12)
    page.reload()
    run(page, 12)

    expect(page.locator("#headline")).to_contain_text("Connected")
    expect(rows(page)).to_have_count(0)


def test_an_owner_sees_what_it_uses_and_may_use(page: Page, proxy: ScriptedProxy) -> None:
    locked(page, proxy)
    give(page)
    page.locator("#depth").click()

    facts = page.locator("#facts > div")
    expect(facts.filter(has_text="Yours waiting")).to_have_text("Yours waiting312 of 1,000")
    expect(facts.filter(has_text="Yours running")).to_have_text("Yours running1")
    expect(facts.filter(has_text="Yours stored")).to_have_text("Yours stored1 MB of 256 MB")
    expect(facts.filter(has_text="Your tokens today")).to_have_text("Your tokens today4,711")
    run(page, 6)
    expect(page.get_by_role("button", name="Pause the queue")).to_have_count(0)
    assert not any("usage" in x.url for x in proxy.requests)


def test_a_quota_that_is_used_up_is_named_and_what_waits_is_sent_when_it_is_over(
    page: Page, proxy: ScriptedProxy
) -> None:
    full = "Your waiting prompts are 1,000 already, and more may not be. Try again after Retry-After seconds."
    proxy.submits = [(429, refusal("quota_exceeded", full), {"Retry-After": "7"})]
    locked(page, proxy)
    give(page)
    submit(page, "hello")

    told = r"Your waiting prompts are 1,000 already, and more may not be\. Sending again in [67] s\."
    expect(rows(page)).to_contain_text(re.compile(told))
    proxy.submits = [(202, {"id": "a", "status": "queued", "position": 1, "links": {}})]
    run(page, 8)

    expect(rows(page)).to_contain_text("Queued")


def administered(page: Page, proxy: ScriptedProxy) -> None:
    owner = {"waiting": 3, "running": 1, "oldest_wait_seconds": 75.0, "stored_bytes": 2048}
    proxy.listed = [listed("b1", "processing", "bert", tokens=12), listed("b2", "queued", "bert"), listed("mine")]
    proxy.answer("mine", "Mine.")
    day = {"day": "2026-01-01", "succeeded": 5, "failed": 1, "cancelled": 0, "expired": 0, "seconds": 60.0}
    proxy.days = [{**day, "owner": "bert", "tokens": 1234}, {**day, "owner": "carl", "tokens": 7}]
    locked(page, proxy, role="admin")
    assert isinstance(proxy.queue, dict)
    proxy.queue = {**proxy.queue, "owners": [{**owner, "owner": "bert"}]}
    give(page)
    page.locator("#depth").click()
    expect(page.locator("#control table")).to_have_count(2)


def test_an_admin_sees_who_waits_and_what_each_has_used_and_no_texts(page: Page, proxy: ScriptedProxy) -> None:
    administered(page, proxy)

    cells = page.locator("#control table").first.locator("td")
    done = ["carl", "0", "0", "6", "7", "\N{EN DASH}", "0 KB"]  # who has nothing any more, and has had something today
    expect(cells).to_have_text(["bert", "3", "1", "6", "1,234", "1:15", "2 KB", *done])
    expect(page.locator("#control table").last.locator("tbody tr")).to_have_count(2)
    expect(rows(page)).to_have_count(1)  # its own
    assert not any("/prompt/b" in x.url for x in proxy.requests)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})
    assert [(x["id"], [n["html"] for n in x["nodes"]]) for x in found.response["violations"]] == []


def test_an_admin_cancels_any_prompt(page: Page, proxy: ScriptedProxy) -> None:
    administered(page, proxy)
    proxy.cancels["b2"] = [(200, listed("b2", "queued", "bert", status="completed", outcome="cancelled"))]

    button = page.get_by_role("button", name="Cancel: b2")
    button.focus()
    run(page, 6)
    expect(button).to_be_focused()  # though all of it was asked for again
    proxy.listed = [x for x in proxy.listed if x["id"] != "b2"]
    button.click()
    run(page, 1)

    expect(page.locator("#control")).not_to_contain_text("Queued")
    assert [x.url.rpartition("/prompt/")[2] for x in proxy.requests if x.url.endswith("/cancel")] == ["b2/cancel"]


def test_an_admin_pauses_the_queue_and_lets_it_go_on(page: Page, proxy: ScriptedProxy) -> None:
    administered(page, proxy)

    page.get_by_role("button", name="Pause the queue").click()
    run(page, 1)
    expect(page.locator("#headline")).to_contain_text("The queue is paused")
    page.get_by_role("button", name="Resume the queue").click()
    run(page, 1)

    expect(page.locator("#headline")).to_contain_text("Connected")


def test_the_question_for_a_key_is_accessible(page: Page, proxy: ScriptedProxy) -> None:
    locked(page, proxy)

    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})

    assert [x["id"] for x in found.response["violations"]] == []
    assert json.dumps(found.response["passes"]).count("dialog")
