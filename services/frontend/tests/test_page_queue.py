"""The queue's own figures, for the person who runs it."""

from page_parts import run, until
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy

LANES = {"lanes": {"interactive": 1, "batch": 1}}


def minute(number: int, **facts: object) -> dict[str, object]:
    told = {"minute": f"2026-01-01T00:{number:02}:00.000Z", "queued": 0, "oldest_wait_seconds": None}
    return {**told, "completed": 0, "failed": 0, "tokens": 0, **facts}


def test_the_queue_view_tells_what_waits_what_runs_and_how_fast(page: Page, proxy: ScriptedProxy) -> None:
    proxy.queue = {**READY, **LANES, "history": [minute(n, tokens=n * 60) for n in range(60)]}
    proxy.open()
    page.locator("#depth").click()

    expect(page.locator("#depth")).to_have_text("2 queued · 1 processing")
    expect(page.locator("#facts > div")).to_have_text(
        [
            "Waiting2", "Of them batch1", "Longest wait0:03", "Running1", "Answered per minute4",
            "Tokens per second58.0", "Workers1", "Modelllama3.2 · ready · CPU", "Stored100 KB of 4 GB", "Pausedno",
        ]
    )  # fmt: skip
    until(page, lambda: any(x.url.endswith("queue?history=60") for x in proxy.requests))


def test_several_model_servers_are_told_one_by_one(page: Page, proxy: ScriptedProxy) -> None:
    one = {"address": "http://a:11434", "state": "ready", "slots": 4}
    proxy.queue = {**READY, "servers": [one, {"address": "http://b:11434", "state": "troubled", "slots": 1}]}
    proxy.open()
    page.locator("#depth").click()

    expect(page.locator("#facts > div").nth(-2)).to_have_text("http://a:11434ready · 4\xa0slots")
    expect(page.locator("#facts > div").last).to_have_text("http://b:11434troubled · 1\xa0slot")


def test_the_last_hour_is_drawn_with_a_scale(page: Page, proxy: ScriptedProxy) -> None:
    minutes = [minute(n, queued=n if n != 7 else None, oldest_wait_seconds=30.0, completed=2) for n in range(60)]
    proxy.queue = {**READY, "history": minutes}
    proxy.open()
    page.locator("#depth").click()

    charts = page.locator("#charts figcaption")
    expect(charts).to_have_text(["Waiting, at most 59", "Longest wait, at most 0:30", "Answered per minute, at most 2"])
    expect(page.locator("#charts figure").first).to_contain_text("60 min ago")
    bars = page.locator("#charts path").first.get_attribute("d") or ""
    assert bars.count("M") == 58
    assert bars.endswith("M59 20V1h.8V20z")


def test_the_view_opens_and_closes_below_the_pointer_that_stays(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    toggle = page.locator("#depth")
    expect(toggle).to_contain_text("2 queued")
    before = toggle.bounding_box()

    toggle.click()
    expect(page.locator("#facts")).to_be_visible()
    assert toggle.bounding_box() == before
    toggle.click()

    expect(page.locator("#facts")).to_be_hidden()
    run(page, 1)
