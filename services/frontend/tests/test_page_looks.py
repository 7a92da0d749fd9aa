"""What the eye needs: lines that are kept, and a header that moves nothing."""

import pytest
from page_parts import result, run, submit
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy

MODEL = READY["model"]


def test_a_poem_keeps_its_lines(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "Waiting in line,\nthe cursor blinks.")
    proxy.open()
    submit(page, "A poem, please.")
    run(page, 2)

    assert result(page).locator(".body").inner_text() == "Waiting in line,\nthe cursor blinks."


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_bar_of_a_download_is_long_enough_to_be_read(page: Page, proxy: ScriptedProxy, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    proxy.queue = {**READY, "model": {**MODEL, "state": "downloading", "percent": 42.7}}
    proxy.open()
    bar = page.get_by_role("progressbar", name="Model download")
    expect(bar).to_be_visible()

    found = bar.bounding_box()
    assert found
    assert found["width"] >= 64  # pixels


def test_trouble_that_takes_two_lines_to_tell_moves_nothing(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    headline = page.locator("#headline")
    expect(headline).to_contain_text("Connected")
    before = page.locator("main").bounding_box()

    detail = "model requires more system memory (3.2 GiB) than is available (1.1 GiB)"
    proxy.queue = {**READY, "model": {**MODEL, "state": "troubled", "detail": detail}}
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(headline).to_contain_text("3.2 GiB")

    assert headline.evaluate("(x) => x.getClientRects().length && x.offsetHeight > 30")
    assert page.locator("main").bounding_box() == before
