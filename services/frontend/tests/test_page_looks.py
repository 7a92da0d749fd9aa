"""What the eye needs: lines that are kept, and a header that moves nothing."""

import pytest
from page_parts import result, rows, run, submit
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


def test_a_prompt_of_several_lines_is_shown_with_them(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "It is so.")
    proxy.open()
    submit(page, "Roses are red,\nviolets are …")
    run(page, 2)

    assert result(page).get_by_role("heading").inner_text() == "Roses are red,\nviolets are …"


def test_a_row_has_three_buttons_and_an_answer_four_until_more_are_wanted(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "It is so.")
    proxy.open()
    submit(page, "Hello?")
    run(page, 2)

    expect(rows(page).get_by_role("button")).to_have_text(["Open", "Copy", "More"])
    expect(result(page).get_by_role("button")).to_have_text(["Follow up", "Copy", "Close", "More"])
    page.get_by_role("button", name="More: Hello?").first.click()
    expect(rows(page).get_by_role("button").filter(has_text="Send again")).to_be_visible()


def test_code_in_a_table_is_not_broken(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    costs = " ".join(f"{'x' * n} `O(n log n)`" for n in range(1, 21))  # which end anywhere in their lines
    proxy.answer("a", f"| way | cost |\n|---|---|\n| sort | {costs} |")
    proxy.open()
    submit(page, "Hello?")
    run(page, 2)

    lines = result(page).locator("td code").evaluate_all("(all) => all.map((x) => x.getClientRects().length)")
    assert lines == [1] * 20


@pytest.mark.parametrize("width", [390, 1280])
def test_the_queue_s_figures_stand_in_rows_and_columns(page: Page, proxy: ScriptedProxy, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    proxy.open()
    page.locator("#depth").click()
    values = page.locator("#facts dd")
    expect(values.first).to_be_visible()

    edges = values.evaluate_all(
        "(all) => all.map((x) => x.getBoundingClientRect()).map(({ x, y }) => [x, y].map(Math.round))"
    )
    columns = len({x for x, _ in edges})
    assert columns == (2 if width == 390 else 5)
    for start in range(0, len(edges), columns):
        assert len({y for _, y in edges[start : start + columns]}) == 1
