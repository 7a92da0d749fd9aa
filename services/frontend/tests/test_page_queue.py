"""The queue's own figures, for the person who runs it."""

from page_parts import run, until
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy


def test_the_queue_view_tells_depth_rate_wait_workers_model_and_processor(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    page.locator("summary").click()

    expect(page.locator("#depth")).to_have_text("2 queued · 1 processing")
    expect(page.locator("#facts > div")).to_have_text(
        [
            "Answered per minute4", "Longest wait0:03", "At most in 4 min0:03",
            "Workers1", "Modelllama3.2 ready", "Runs onCPU", "Pausedno",
        ]
    )  # fmt: skip


def test_the_waiting_time_is_drawn_over_the_last_minutes(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    page.locator("summary").click()
    for wait in (10.0, 30.0, 20.0):
        proxy.queue = {**READY, "oldest_wait_seconds": wait}
        run(page, 2.5)

    until(page, lambda: len((page.locator("#chart").get_attribute("points") or "").split()) >= 4)
    heights = [float(point.split(",")[1]) for point in (page.locator("#chart").get_attribute("points") or "").split()]
    expect(page.locator("#facts > div").nth(2)).to_have_text("At most in 4 min0:30")
    assert min(heights) == 3
    assert all(0 <= height <= 40 for height in heights)
