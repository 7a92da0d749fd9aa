import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_parts import box, open_result, result, rows, run, submit
from playwright.sync_api import Browser, Page, expect
from scripted_proxy import PAGE, READY, ScriptedProxy, status

CSP = PAGE.with_name("csp.py")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

ANSWER = """## Plan

Some *text* with `code` and a [link](https://example.test/).

1. one
   - two

```python
def wait_for_the_answer_of_the_slow_model(prompt_id): return requests.get(f"http://127.0.0.1:8000/{prompt_id}/status")
```

```python
print("a second one")
```

| way | requests per minute | delay | good for |
|---|---:|---:|---|
| polling | 60 | ≤ 1 s | scripts that have all the time in the world |

> quoted
"""


def check_policy(page: Path) -> subprocess.CompletedProcess[str]:
    script = page.with_name("csp.py")
    script.write_bytes(CSP.read_bytes())
    return subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)


def test_the_policy_names_the_script_and_style_as_they_are(tmp_path: Path) -> None:
    copy = tmp_path / "index.html"
    copy.write_bytes(PAGE.read_bytes())

    done = check_policy(copy)

    assert done.returncode == 0, f"run `python services/frontend/csp.py`; {done.stderr}"


def test_a_changed_script_needs_another_policy_which_the_check_names_and_the_tool_writes(tmp_path: Path) -> None:
    copy = tmp_path / "index.html"
    copy.write_bytes(PAGE.read_bytes().replace(b'"use strict";', b'"use strict"; '))

    found = check_policy(copy)
    subprocess.run([sys.executable, tmp_path / "csp.py"], check=True)

    assert found.returncode == 1
    assert "script-src 'sha256-" in found.stderr
    assert found.stderr.split("\n")[1] in copy.read_text()
    assert check_policy(copy).returncode == 0


def test_the_page_stays_within_its_budget() -> None:
    assert PAGE.stat().st_size <= 88_800
    assert len(gzip.compress(PAGE.read_bytes(), 9)) <= 31_000
    script = PAGE.read_text().partition("<script>")[2]
    assert [line for line in script.splitlines() if len(line) > 110] == []


def test_no_string_can_become_html_or_code(page: Page, proxy: ScriptedProxy) -> None:
    proxy.refused |= {"", "http://proxy.test/"}  # the policy's complaints are what is asked for here
    proxy.open()

    refused = page.evaluate("""() => {
      const attempt = (act) => { try { act(); return "done"; } catch (error) { return error.name; } };
      const body = document.body, acts = [
        () => { body.innerHTML = "<b>x</b>"; }, () => body.insertAdjacentHTML("beforeend", "<b>x</b>"),
        () => document.write("x"), () => body.setAttribute("onclick", "x"),
      ];
      return acts.map(attempt);
    }""")

    assert refused == ["TypeError"] * 4


def full_page(page: Page, proxy: ScriptedProxy) -> None:
    """Every kind of row and card at once, under a header that has something to say."""
    proxy.queue = {**READY, "model": {"name": "llama3.2", "state": "downloading", "percent": 42.0, "processor": None}}
    proxy.accept("a", "b", "c", "d")
    proxy.statuses["a"] = [(200, status("a", position=13, eta_seconds=320))]
    proxy.statuses["b"] = [(200, status("b", "processing", tokens=132))]
    proxy.answer("c", ANSWER)
    proxy.end("d", "failed", "The model server broke off in the middle.", "Half of\n\n## the answer")
    proxy.open()
    submit(page, "Translate this: " + "word " * 80)
    submit(page, "Running")
    submit(page, "Finished")
    submit(page, "Broken")
    run(page, 3)
    open_result(page, "Broken")
    open_result(page, "Finished")
    expect(result(page)).to_have_count(3)
    expect(result(page).get_by_role("heading", name="Plan")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark", "forced"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_is_accessible_and_never_scrolls_sideways(
    page: Page, proxy: ScriptedProxy, width: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    if scheme == "forced":
        page.emulate_media(forced_colors="active", reduced_motion="reduce")
    else:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    full_page(page, proxy)
    page.get_by_role("button", name="Follow up: Finished").click()
    page.get_by_role("button", name="New topic").click()
    page.locator("#depth").click()
    page.get_by_text("Options").first.click()
    page.get_by_role("button", name="More: Broken").first.click()
    submit(page, " ")

    found = Axe().run(page, options={"runOnly": RULES})

    assert [(x["id"], [n["html"] for n in x["nodes"]]) for x in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_empty_page_is_accessible(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")

    found = Axe().run(page, options={"runOnly": RULES})

    assert [(x["id"], [n["html"] for n in x["nodes"]]) for x in found.response["violations"]] == []


def test_everything_works_with_the_keyboard_alone(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "The answer.")
    proxy.open()

    expect(box(page)).to_be_focused()  # at a first visit
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#depth")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("link", name="Skip to results")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("hello")
    page.keyboard.press("Control+Enter")
    run(page, 2)
    expect(rows(page)).to_contain_text("Completed")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Open: hello")).to_be_focused()
    page.keyboard.press("Enter")

    expect(result(page)).to_be_focused()


def test_removing_and_undoing_with_the_keyboard_alone(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "The answer.")
    proxy.open()
    page.keyboard.type("hello")
    page.keyboard.press("Control+Enter")
    run(page, 2)

    for _ in range(6):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="More: hello").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="More: hello").first).to_be_focused()  # where it was
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Prompts")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(rows(page)).to_have_count(1)


def test_one_document_is_all_that_is_fetched(page: Page, proxy: ScriptedProxy) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")

    assert [url for url in fetched if "/api/" not in url and not url.startswith("data:")] == ["http://proxy.test/"]


@pytest.mark.parametrize("path", ["team/ollama/", "team/ollama/index.html", "team/ollama/?x=/y#z", ""])
def test_the_page_asks_for_its_data_beside_itself(page: Page, proxy: ScriptedProxy, path: str) -> None:
    proxy.accept("a")
    proxy.answer("a", "The answer.")
    proxy.open(path)

    submit(page, "hello")
    run(page, 2)

    expect(rows(page)).to_contain_text("Completed")
    here = "http://proxy.test/team/ollama/api/v1/" if path else "http://proxy.test/api/v1/"
    assert {request.url.startswith(here) for request in proxy.requests} == {True}


def test_the_page_works_where_its_address_holds_a_name_and_a_password(page: Page, proxy: ScriptedProxy) -> None:
    """A relative address would inherit both, and fetch takes none that has any."""
    proxy.open(login="user:secret@")

    expect(page.locator("#headline")).to_contain_text("Connected")


def test_without_scripts_the_page_says_how_to_go_on(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    ScriptedProxy(page).open()

    shown = page.locator("body").inner_text()
    assert "curl http://…/api/v1/prompt" in shown
    assert "Connecting" not in shown

    context.close()
