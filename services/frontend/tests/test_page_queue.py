"""The queue's own figures, for the person who runs it."""

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_parts import run, until
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
STATES = ["ready", "downloading", "missing", "unreachable", "troubled"]
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


def server(address: str, state: str = "ready", **facts: object) -> dict[str, object]:
    unknown = dict.fromkeys(("percent", "processor", "detail", "retry_at", "seconds_per_prompt"))
    return {"address": address, "state": state, **unknown, "slots": 1, "busy": 0, **facts}


def open_with(page: Page, proxy: ScriptedProxy, *servers: dict[str, object]) -> None:
    proxy.queue = {**READY, "servers": [*servers]}
    proxy.open()
    page.locator("#depth").click()
    expect(page.locator("#facts")).to_be_visible()


def test_several_model_servers_are_told_one_by_one_with_what_they_do_and_what_they_lack(
    page: Page, proxy: ScriptedProxy
) -> None:
    again = page.evaluate("new Date(Date.now() + 3600e3).toISOString()")
    open_with(
        page,
        proxy,
        server("http://a:11434", processor="gpu", slots=4, busy=3, seconds_per_prompt=4.2),
        server("http://b:11434", "downloading", percent=41),
        server("http://c:11434", "unreachable", detail="connection refused", retry_at=again, seconds_per_prompt=12.0),
    )

    shown = page.locator("#servers > div")
    expect(shown).to_have_text(
        [
            "ready http://a:11434GPU · 3 of 4 busy · 4.2 s a prompt",
            "downloading http://b:1143441 % · 0 of 1 busy",
            re.compile(
                "^unreachable http://c:114340 of 1 busy · 12 s a promptconnection refused, trying again in 3[56]"
            ),
        ]
    )
    assert [each.get_attribute("data-tone") for each in shown.all()] == ["ok", "warn", "warn"]


def test_a_server_that_is_alone_is_told_of_as_the_model(page: Page, proxy: ScriptedProxy) -> None:
    open_with(page, proxy, server("http://a:11434"))

    expect(page.locator("#servers")).to_be_empty()


@pytest.mark.parametrize("width", [320, 1280])
def test_what_a_server_is_called_and_says_is_text_that_fits(page: Page, proxy: ScriptedProxy, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    address, detail = "http://<img src=x onerror=alert(1)>" + "a" * 300, "<b>no</b>" + "b" * 290
    open_with(page, proxy, *(server(address, "troubled", detail=detail) for _ in range(12)))

    shown = page.locator("#servers > div")
    expect(shown).to_have_count(12)
    expect(shown.first.locator("dt")).to_have_text(f"troubled {address}")
    expect(shown.last.locator("dd").last).to_have_text(detail)
    assert page.locator("#servers :is(img, b)").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_servers_can_be_read_by_everybody(
    page: Page, proxy: ScriptedProxy, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    open_with(page, proxy, *(server(f"http://{state}:1", state, detail="It is so.") for state in STATES))

    found = Axe().run(page, "#queue", options={"runOnly": RULES})

    assert [(x["id"], [n["html"] for n in x["nodes"]]) for x in found.response["violations"]] == []


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
