"""What becomes of a model's text. Each case is one text and the tree that it must become."""

import re
from collections.abc import Iterator

import pytest
from hostile import HOSTILE
from page_parts import box, press_more, result, run, submit, until
from playwright.sync_api import Browser, Page, expect
from scripted_proxy import ScriptedProxy

RENDER = """(text) => {
  const root = document.createElement("div");
  const write = writer(root, false);
  while (write(thoughtful(clean(text)), true));
  for (const group of [...root.children]) group.replaceWith(...group.childNodes);
  const strip = (node) => [...node.querySelectorAll("[dir]")].forEach((x) => x.removeAttribute("dir"));
  strip(root);
  return root.innerHTML.replaceAll(' rel="noopener noreferrer nofollow" target="_blank"', " REL");
}"""


@pytest.fixture(scope="module")
def renderer(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    proxy = ScriptedProxy(page)
    proxy.open()
    page.evaluate("localStorage.clear()")
    yield page
    context.close()
    assert proxy.strangers == []


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
        ("one  \ntwo", "<p>one  <br>two</p>"),
        ("# a\n## b\n###### c", "<h4>a</h4><h5>b</h5><h6>c</h6>"),
        ("### first is deep", "<h4>first is deep</h4>"),
        ("#no heading", "<p>#no heading</p>"),
        ("a **b** *c* ***d***", "<p>a <strong>b</strong> <em>c</em> <strong><em>d</em></strong></p>"),
        ("__e__ _f_ ~~g~~", "<p><strong>e</strong> <em>f</em> <s>g</s></p>"),
        ("**b *i***, *i **b** i*", "<p><strong>b <em>i</em></strong>, <em>i <strong>b</strong> i</em></p>"),
        ("2 * 3 * 4 and snake_case_name and a~b", "<p>2 * 3 * 4 and snake_case_name and a~b</p>"),
        ("**open, *open, `open, ~~open", "<p>**open, *open, `open, ~~open</p>"),
        ("`a<b>` ``c`d``", "<p><code>a&lt;b&gt;</code> <code>c`d</code></p>"),
        (r"\*a\* \[x\] \(y\) \\", r"<p>*a* \[x\] \(y\) \</p>"),
        ("costs $5 and $x_1^2$", "<p>costs $5 and $x_1^2$</p>"),
        ("<b>bold</b> & &amp; <think>", "<p>&lt;b&gt;bold&lt;/b&gt; &amp; &amp;amp; &lt;think&gt;</p>"),
        ("- a\n- b\n  - c\n\n    d\n- e",
         "<ul><li>a</li><li><p>b</p><ul><li><p>c</p><p>d</p></li></ul></li><li>e</li></ul>"),
        ("3. a\n4. b\n   - c", '<ol start="3"><li>a</li><li><p>b</p><ul><li>c</li></ul></li></ol>'),
        ("- [ ] a\n- [x] b", '<ul><li class="task">☐ a</li><li class="task">☑ b</li></ul>'),
        ("Text:\n- a\n\nAfter", "<p>Text:</p><ul><li>a</li></ul><p>After</p>"),
        ("- a\n## b\n- c\n---\n- d\n> e",
         "<ul><li>a</li></ul><h4>b</h4><ul><li>c</li></ul><hr><ul><li>d</li></ul><blockquote><p>e</p></blockquote>"),
        ("> a\n> b\n>\n> > c\n\nd", "<blockquote><p>a\nb</p><blockquote><p>c</p></blockquote></blockquote><p>d</p>"),
        ("a\n\n---\n\nb\n***", "<p>a</p><hr><p>b</p><hr>"),
        ("[a](https://b.test/c)", '<p><a href="https://b.test/c" REL title="https://b.test/c">a</a></p>'),
        ("[w](https://b.test/x_(y))", '<p><a href="https://b.test/x_(y)" REL title="https://b.test/x_(y)">w</a></p>'),
        ("(https://b.test/q_(r))",
         '<p>(<a href="https://b.test/q_(r)" REL title="https://b.test/q_(r)">https://b.test/q_(r)</a>)</p>'),
        ("[a](https://\u0430.test)", '<p><a href="https://xn--80a.test/" REL title="https://xn--80a.test/">a</a></p>'),
        (r"is $a*b*c$, $\mathbf{x}_{i} + y_{j}$ and $$\\ *x*$$, but $5 *or* $6",
         r"<p>is $a*b*c$, $\mathbf{x}_{i} + y_{j}$ and $$\\ *x*$$, but $5 <em>or</em> $6</p>"),
        ("$$\na \\\\ *b*\n$$ and \\[ x \\| *y* \\]", "<p>$$\na \\\\ *b*\n$$ and \\[ x \\| *y* \\]</p>"),
        ("> a\n## b", "<blockquote><p>a</p></blockquote><h4>b</h4>"),
        ("'https://b.test/it's'",
         '<p>\'<a href="https://b.test/it\'s" REL title="https://b.test/it\'s">https://b.test/it\'s</a>\'</p>'),
        ("see https://b.test/c.", '<p>see <a href="https://b.test/c" REL title="https://b.test/c">https://b.test/c</a>.</p>'),
        ("![cat](https://b.test/c)", '<p><a href="https://b.test/c" REL title="https://b.test/c">Image: cat</a></p>'),
        ("[a](javascript:alert(1))", "<p><span>a (javascript:alert(1))</span></p>"),
        ("[a](/relative)", "<p><span>a (/relative)</span></p>"),
        ("![](data:,x)", "<p><span>Image: data:,x (data:,x)</span></p>"),
        ("e\u0301" + "\u0301" * 40, "<p>e" + "\u0301" * 16 + "…</p>"),
        ("", ""),
        ("a\x00b\r\nc", "<p>a\ufffdb\nc</p>"),
    ],
)  # fmt: skip
def test_markdown_becomes(renderer: Page, text: str, html: str) -> None:
    assert renderer.evaluate(RENDER, text) == html


def test_a_table_becomes_a_table(renderer: Page) -> None:
    html = renderer.evaluate(RENDER, "Look:\n| a | n |\n|:-:|--:|\n| `x` | 1 |\n| `c \\| d` | 2 |\n\nAfter")

    cell, number = '<td class="mid">', '<td class="end">'
    rows = f"<tr>{cell}<code>x</code></td>{number}1</td></tr><tr>{cell}<code>c | d</code></td>{number}2</td></tr>"
    head = '<thead><tr><th class="mid">a</th><th class="end">n</th></tr></thead>'
    assert html == (
        '<p>Look:</p><div class="table" tabindex="0" role="group" aria-label="Table">'
        f"<table>{head}<tbody>{rows}</tbody></table></div><p>After</p>"
    )


@pytest.mark.parametrize(
    ("text", "thought"),
    [
        ("<think>\nWell.\n\n- so\n</think>\n\nThe answer.", "<p>Well.</p><ul><li>so</li></ul>"),
        ("<think>Well.\nYes.</think>The answer.", "<p>Well.\nYes.</p>"),
        ("<think></think> The answer.", ""),
    ],
)
def test_what_a_model_thought_is_folded_away(renderer: Page, text: str, thought: str) -> None:
    html = renderer.evaluate(RENDER, text)

    folded = f'<details class="thoughts"><summary>Thinking</summary><div>{thought}</div></details>'
    assert html.replace("<p> ", "<p>") == f"{folded}<p>The answer.</p>"


def test_code_is_shown_as_it_is(renderer: Page) -> None:
    html = renderer.evaluate(
        RENDER, "```python\nif a < b:\n\n    **x**\n```\nafter\n~~~\n```\n~~~\n```js\nnever closed"
    )

    assert '<span class="dim grow">python</span>' in html
    assert "<span>if a &lt; b:\n\n    **x**\n</span></pre></div><p>after</p>" in html
    assert "<span>```\n</span>" in html
    assert "<span>never closed\n</span>" in html


def test_code_between_the_items_of_a_list_ends_where_it_does(renderer: Page) -> None:
    html = renderer.evaluate(RENDER, "1. Do:\n```yaml\n- name: x\n\ny: 2\n```\n2. Next\n\nAfter")

    assert html.startswith('<ol start="1"><li>Do:</li></ol><div class="code">')
    assert "<span>- name: x\n\ny: 2\n</span>" in html
    assert html.endswith('</div><ol start="2"><li>Next</li></ol><p>After</p>')


@pytest.mark.parametrize("item", ["1. ", "- ", "*   "])
def test_code_in_an_item_keeps_the_indentation_of_its_own_and_no_other(renderer: Page, item: str) -> None:
    code = "```py\ndef f():\n    pass\n```"
    for spaces in (len(item), 4):
        html = renderer.evaluate(RENDER, f"{item}X:\n\n" + "\n".join(" " * spaces + line for line in code.split("\n")))

        assert "<span>def f():\n    pass\n</span></pre></div></li>" in html


def test_two_blank_lines_in_the_code_of_an_item_are_part_of_it(renderer: Page) -> None:
    code = "def f():\n    pass\n\n\ndef g():\n    pass\n"
    item = "1. a\n\n   ```py\n" + "".join("   " * bool(line.strip()) + line for line in code.splitlines(keepends=True))

    html = renderer.evaluate(RENDER, item + "   ```\n\n2. b\n\n# H")

    assert f"<span>{code}</span></pre></div></li><li>b</li></ol><h4>H</h4>" in html


GROWN = """(text) => {
  const root = document.createElement("div"), write = writer(root);
  for (let n = 1; n <= text.length; n++) while (write(text.slice(0, n), n === text.length));
  return [...root.querySelectorAll("ol, ul")].map((x) => x.childElementCount);
}"""


def test_a_list_that_grows_letter_by_letter_is_one_list(renderer: Page) -> None:
    assert renderer.evaluate(GROWN, "1. **A**: x\n\n2. **B**: y\n\n10. **C**: z\n\n") == [3]
    assert renderer.evaluate(GROWN, "- a\n\n- b\n\n- c\n") == [3]


def test_a_long_sentence_goes_on_beside_what_is_bold_in_it(renderer: Page) -> None:
    html = renderer.evaluate(RENDER, "lorem ipsum " * 100 + "**bold** " + "\U0001f600" * 1500)

    assert html.count('class="run"') == 1
    assert '<strong>bold</strong> <span class="run">' in html
    assert "\ufffd" not in html.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    "text",
    [
        "```" + "x" * 9_000 + "\n" + "y" * 40_000,
        "```" + " " * 50_000 + "`",
        "~~~" + "x" * 20_000 + "\n" + "y\n" * 20_000,
    ],
    ids=["a long name of a language", "spaces", "a long name and many lines"],
)
def test_what_is_written_ends(renderer: Page, text: str) -> None:
    html = renderer.evaluate(RENDER, text)

    assert len(html) < len(text) * 1.2


def test_thoughts_in_thoughts_are_unfolded_six_levels_deep_and_then_shown_as_they_are(renderer: Page) -> None:
    html = renderer.evaluate(RENDER, "<think>\n" * 40 + "deep\n" + "</think>\n" * 40)

    assert html.count("<details") == 6
    assert "&lt;think&gt;" in html
    assert "deep" in html


def test_a_bidi_override_in_code_is_made_visible(renderer: Page) -> None:
    html = renderer.evaluate(RENDER, "```\na\u202eb\n```\n`c\u2066d`")

    assert "a\\u202eb" in html
    assert "<code>c\\u2066d</code>" in html


SHOW = """(text) => {
  state.prompts = [Object.assign(newPrompt("hostile"), { state: "completed", text: clean(text) })];
  changed();
}"""
BAD = "script,img,svg,iframe,style,form,input,object,embed,base,meta,link,audio,video"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_only_text_and_the_page_answers_while_it_is_written(renderer: Page, name: str) -> None:
    asked: list[str] = []
    renderer.on("request", lambda request: asked.append(request.url))
    renderer.evaluate("state.draft = ''")

    renderer.evaluate(SHOW, HOSTILE[name])
    box(renderer).focus()
    renderer.keyboard.type("still here")
    expect(box(renderer)).to_have_value("still here")
    until(renderer, lambda: renderer.evaluate("![...turns.values()].at(-1).more"))

    assert renderer.evaluate("window.pwned") is None
    article = renderer.locator("article")
    assert article.locator(BAD).count() == 0
    assert set(article.locator("a").evaluate_all("all => all.map((x) => x.protocol)")) <= {"https:"}
    styles = article.locator(".body > div[style]").evaluate_all("all => all.map((x) => x.getAttribute('style'))")
    assert all(re.fullmatch(r"contain-intrinsic-size: auto [\d.]+rem;", style) for style in styles)
    attributes = article.evaluate(
        "(root) => [...root.querySelectorAll('.body > div *')].flatMap((x) => x.getAttributeNames())"
    )
    assert {x for x in attributes if x.startswith("on") or x in {"style", "src", "srcset"}} == set()
    assert renderer.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url for url in asked if "/api/v1/queue" not in url] == []


COPIED = """addEventListener("copy", () => { window.copied = document.activeElement.value; });"""


def test_copy_takes_the_source_even_on_plain_http(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script(COPIED)
    proxy.accept("a")
    proxy.answer("a", "Some **bold**\n\n```\na\u202eb\n```\n")
    proxy.open()
    submit(page, "hello")
    run(page, 2)

    result(page).get_by_role("button", name="Copy: hello").click()
    until(page, lambda: page.evaluate("window.copied") == "Some **bold**\n\n```\na\u202eb\n```\n")
    expect(result(page).get_by_role("button", name="Copy: hello")).to_have_text("Copied")
    result(page).get_by_role("button", name="Copy code").click()

    until(page, lambda: page.evaluate("window.copied") == "a\u202eb\n")
    assert page.evaluate("isSecureContext") is False


def test_an_answer_can_be_seen_as_it_was_written(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "Some **bold**")
    proxy.open()
    submit(page, "hello")
    run(page, 2)

    press_more(result(page), "Raw", "hello")
    expect(result(page).locator("pre")).to_have_text("Some **bold**")
    result(page).get_by_role("button", name="Rendered: hello").click()

    expect(result(page).locator("strong")).to_have_text("bold")


def test_an_answer_is_saved_as_a_file_of_markdown(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.answer("a", "Some **bold** ☕")
    proxy.open()
    submit(page, "What is ../it?")
    run(page, 2)

    with page.expect_download() as saved:
        press_more(result(page), "Save", "What")

    assert re.fullmatch(r"What-is-it-\d{4}-\d\d-\d\d\.md", saved.value.suggested_filename)
    assert "\n\nWhat is ../it?\n\n## Answer\n\nSome **bold** ☕\n" in saved.value.path().read_text()


def test_of_an_endless_answer_the_beginning_is_shown_and_all_of_it_is_copied(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script(COPIED)
    proxy.accept("a")
    proxy.answer("a", ("word " * 200 + "\n\n") * 2100 + "the end")
    proxy.open()
    submit(page, "hello")
    run(page, 2)

    expect(result(page)).to_contain_text("Copy or save gives everything")
    until(page, lambda: page.evaluate("![...turns.values()].at(-1).more"))
    expect(result(page)).not_to_contain_text("the end")
    result(page).get_by_role("button", name="Copy: hello").click()

    until(page, lambda: page.evaluate("window.copied?.endsWith('the end')"))


def shown_of(page: Page, text: str) -> dict[str, int]:
    """Show this answer at once; what of it stands on the page before the browser has drawn anything."""
    counted = """(text) => {
      state.prompts = [Object.assign(newPrompt("shown"), { state: "completed", text })];
      changed();
      const number = (tag) => document.querySelectorAll(`.body ${tag}`).length;
      return { li: number("li"), tr: number("tr") };
    }"""
    return dict(page.evaluate(counted, text))


def test_the_first_lines_of_a_long_answer_are_shown_before_the_others_are_written(
    page: Page, proxy: ScriptedProxy
) -> None:
    proxy.open()

    first = shown_of(page, "- an item of a long list\n" * 5000)

    assert 10 < first["li"] < 200
    run(page, 20)
    expect(page.locator(".body li")).to_have_count(5000)


@pytest.mark.parametrize("row", ["| one | two |", f"| one | {'two ' * 40}|"], ids=["short rows", "long rows"])
def test_a_long_table_goes_on_in_another_with_the_same_head(page: Page, proxy: ScriptedProxy, row: str) -> None:
    proxy.open()

    first = shown_of(page, "before\n\n| left | right |\n|---|---:|\n" + f"{row}\n" * 1000 + "\nafter")

    assert first["tr"] < 300
    run(page, 20)
    expect(page.locator(".body td:first-child")).to_have_text(["one"] * 1000)
    tables = page.locator(".body table").count()
    assert tables > 1
    expect(page.locator(".body th:last-child.end")).to_have_text(["right"] * tables)
    expect(page.locator(".body p")).to_have_text(["before", "after"])


@pytest.mark.parametrize("is_open", [True, False])
def test_a_copy_that_the_browser_refuses_leaves_the_text_selected(
    page: Page, proxy: ScriptedProxy, is_open: bool
) -> None:
    page.add_init_script("document.execCommand = () => false")
    proxy.accept("a")
    proxy.answer("a", "The answer.")
    proxy.open()
    submit(page, "hello")
    run(page, 2)

    if not is_open:
        result(page).get_by_role("button", name="Close: hello").click()
    page.get_by_role("button", name="Copy: hello").last.click()

    expect(page.locator("#notice")).to_have_text("Copy failed. The text is selected: press Ctrl+C.")
    assert page.evaluate("getSelection().toString().trim()") == "The answer."
