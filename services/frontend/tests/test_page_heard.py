"""What a screen reader has of the page: the tree that it walks, and what it is told meanwhile."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any

from page_parts import SPOKEN, box, open_result, press_more, result, rows, run, streams, submit, tell, until
from playwright.sync_api import Page, expect
from scripted_proxy import ScriptedProxy, status

ANSWER = """It is **wet**.

# Rain

```python
print(1)
```

| drops | size |
|---|---|
| many | small |
"""
CONTROLS = {"button", "link", "textbox", "searchbox", "spinbutton", "combobox", "DisclosureTriangle", "progressbar"}


def tree(page: Page) -> list[dict[str, Any]]:
    """Chromium's accessibility tree as assistive technology gets it: a role, a name and properties for each node."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return [
        {
            "role": node["role"]["value"],
            "name": node.get("name", {}).get("value", ""),
            "description": node.get("description", {}).get("value", ""),
            **{each["name"]: each["value"].get("value") for each in node.get("properties", [])},
        }
        for node in nodes
        if not node["ignored"]
    ]


def writing(page: Page, proxy: ScriptedProxy) -> None:
    """One prompt is being answered, another waits behind it."""
    proxy.accept("a", "b", live=True)
    proxy.statuses["a"] = [(200, status("a", "processing", attempt=1))]
    proxy.statuses["b"] = [(200, status("b", position=2, eta_seconds=40))]
    proxy.open()
    submit(page, "Why rain?")
    submit(page, "Why wind?")
    until(page, lambda: any(x["open"] for x in streams(page, "a")))
    tell(page, "a", "token", {"attempt": 1, "text": "It is so because"}, "1-1")
    run(page, 1)
    expect(result(page)).to_contain_text("It is so because")


def test_a_first_visit_is_told_as_landmarks_headings_and_named_controls(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")

    expect(page.locator("body")).to_match_aria_snapshot("""
      - banner:
        - link "Skip to results"
        - heading "Ollama Proxy" [level=1]
        - paragraph: Connected · llama3.2 ready · on CPU
        - button "2 queued · 1 processing"
      - main:
        - region "Prompt":
          - heading "Prompt" [level=2]
          - textbox "Prompt"
          - group: Options
          - button "Submit prompt"
        - region "Prompts":
          - heading "Prompts" [level=2]
          - searchbox "Filter, or the id of a prompt"
          - paragraph: Nothing submitted yet.
        - region "Results":
          - heading "Results" [level=2]
          - button "Write a haiku about waiting in line."
          - paragraph:
            - link "the API"
      - status
    """)


def test_each_prompt_in_flight_is_an_item_that_says_where_it_stands_and_whose_its_buttons_are(
    page: Page, proxy: ScriptedProxy
) -> None:
    writing(page, proxy)

    expect(page.get_by_role("list").first).to_match_aria_snapshot("""
      - list:
        - listitem:
          - paragraph: Why wind?
          - paragraph: /Queued 1 ahead · waited \\d:\\d\\d · about \\d+ s to go/
          - 'button "Cancel: Why wind?"'
          - 'button "More: Why wind?"'
          - time
        - listitem:
          - paragraph: Why rain?
          - paragraph: /Processing/
          - 'button "Open: Why rain?"'
          - 'button "Cancel: Why rain?"'
          - 'button "More: Why rain?"'
          - time
    """)


def test_an_answer_that_is_written_is_busy_and_in_no_live_region(page: Page, proxy: ScriptedProxy) -> None:
    writing(page, proxy)

    nodes = tree(page)
    assert [(x["name"], x["busy"]) for x in nodes if x["role"] == "article"] == [("Why rain?", True)]
    live = {x["role"] for x in nodes if x.get("live", "off") != "off"}
    assert live == {"status", "alert"}
    assert page.locator("article").locator("xpath=ancestor-or-self::*[@aria-live or @role]").count() == 0


def test_an_answer_is_an_article_whose_headings_code_and_table_can_be_walked(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", ANSWER)
    proxy.open()
    submit(page, "Why rain?")
    run(page, 2)

    expect(result(page)).to_match_aria_snapshot("""
      - article "Why rain?":
        - heading "Why rain?" [level=3]
        - paragraph: /Completed/
        - 'button "Follow up: Why rain?"'
        - 'button "Copy: Why rain?"'
        - 'button "Close: Why rain?"'
        - 'button "More: Why rain?"'
        - paragraph:
          - strong: wet
        - heading "Rain" [level=4]
        - button "Copy code"
        - group "python": print(1)
        - group "Table":
          - table:
            - rowgroup:
              - row "drops size":
                - columnheader "drops"
                - columnheader "size"
            - rowgroup:
              - row "many small"
    """)
    assert [(x["name"], x.get("busy", False)) for x in tree(page) if x["role"] == "article"] == [("Why rain?", False)]


def test_every_control_has_a_name_whatever_is_open(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", ANSWER)
    proxy.open()
    submit(page, "Why rain?")
    run(page, 2)
    page.locator("#depth").click()
    page.get_by_text("Options", exact=True).click()
    page.get_by_role("button", name="Follow up: Why rain?").click()
    page.get_by_role("button", name="More: Why rain?").first.click()

    controls = [x for x in tree(page) if x["role"] in CONTROLS]
    assert len(controls) > 20
    assert [x for x in controls if not x["name"]] == []
    assert [x["expanded"] for x in controls if x["name"] in {"2 queued · 1 processing", "Options"}] == [True, True]


def test_a_refused_prompt_is_told_at_once_and_beside_the_box(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    submit(page, " ")

    nodes = tree(page)
    expect(page.get_by_role("alert").filter(has_text="Write a prompt first.")).to_have_count(1)
    (prompt,) = [x for x in nodes if x["role"] == "textbox" and x["name"] == "Prompt"]
    assert prompt["invalid"] == "true"
    assert "Write a prompt first." in prompt["description"]
    expect(box(page)).to_be_focused()


def test_the_question_before_everything_is_forgotten_is_a_modal_dialog_with_its_reason(
    page: Page, proxy: ScriptedProxy
) -> None:
    writing(page, proxy)
    page.get_by_role("button", name="Forget everything").click()

    (dialog,) = [x for x in tree(page) if x["role"] == "dialog"]
    assert dialog["modal"]
    assert dialog["name"].startswith("Forget every prompt and answer in this browser?")
    assert "2 prompts are still in flight" in dialog["description"]
    expect(page.get_by_role("button", name="Keep")).to_be_focused()


def heard(page: Page) -> list[str]:
    told: list[str] = page.evaluate("window.spoken")
    return told


def listen(page: Page) -> Iterator[str]:
    """Each thing that is said, in the page's own time."""
    for known in itertools.count():
        until(page, functools.partial(_more_was_said, page, known))
        yield heard(page)[known]


def _more_was_said(page: Page, known: int) -> bool:
    run(page, 0.5)
    return len(heard(page)) > known


def test_what_happens_to_prompts_is_told_in_order_and_once(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script(SPOKEN)
    proxy.accept("a", "b")
    proxy.open()
    told = listen(page)

    submit(page, "Why rain?")
    assert next(told) == "Prompt queued, next in line."
    proxy.cancels["a"] = [(200, status("a", "completed", outcome="cancelled"))]
    page.get_by_role("button", name="Cancel: Why rain?").click()
    assert next(told) == "Cancelled."
    press_more(rows(page), "Remove", "Why rain?")
    assert next(told) == "Prompt removed."
    submit(page, "Why wind?")
    assert next(told) == "Prompt queued, next in line."
    proxy.end("b", "failed", "The model server broke off.", "Half")
    assert next(told) == "Failed: The model server broke off."
    open_result(page, "Why wind?")
    proxy.down = True
    page.evaluate("dispatchEvent(new Event('online'))")
    assert next(told) == "Cannot reach the proxy."
    run(page, 10)

    assert len(heard(page)) == 6
