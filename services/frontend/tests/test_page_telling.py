"""What the page tells of the proxy, the model and all prompts together: in header and title, to a reader."""

import re

from page_parts import SPOKEN, box, result, run, submit, until
from playwright.sync_api import Page, expect
from scripted_proxy import READY, ScriptedProxy, refusal

MODEL = READY["model"]
WAIT = " Prompts are accepted and wait."


def test_a_page_whose_server_has_no_queue_says_so(page: Page, proxy: ScriptedProxy) -> None:
    proxy.queue = (404, refusal("not_found", "There is nothing here."))
    proxy.open()

    expect(page.locator("#headline")).to_contain_text(
        "This address has no Ollama Proxy API. Is the page served by the proxy? Trying again"
    )
    page.get_by_role("button", name="Try now").focus()
    proxy.queue = READY
    page.keyboard.press("Enter")
    expect(page.locator("#headline")).to_contain_text("Connected")
    expect(box(page)).to_be_focused()


def test_an_offline_browser_says_so(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    expect(page.locator("#headline")).to_contain_text("Connected")

    page.context.set_offline(True)

    words = "You are offline. Prompts you submit now are kept and sent later."
    expect(page.locator("#headline")).to_have_text(words)
    page.context.set_offline(False)
    expect(page.locator("#headline")).to_contain_text("Connected")


def test_the_title_counts_what_is_active(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a")
    proxy.open()

    submit(page, "hello")

    expect(page).to_have_title("(1) Ollama Proxy")
    proxy.answer("a", "Done.")
    run(page, 3)
    expect(page).to_have_title("Ollama Proxy")


def test_a_foreign_page_in_between_is_named_as_such(page: Page, proxy: ScriptedProxy) -> None:
    proxy.queue = "<p>Please log in"
    proxy.open()

    expect(page.locator("#headline")).to_contain_text("Unexpected answer from the server (text/html)")


def test_a_screen_reader_hears_each_change_once_and_no_text(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script(SPOKEN)
    proxy.accept("a")
    proxy.open()
    submit(page, "Why is the sky blue?")
    until(page, lambda: len(page.evaluate("window.spoken")) == 1)

    proxy.answer("a", "Because of the air.")
    run(page, 2)
    expect(result(page)).to_contain_text("air")
    until(page, lambda: len(page.evaluate("window.spoken")) == 2)

    assert page.evaluate("window.spoken") == ["Prompt queued, next in line.", "Result ready: Why is the sky blue?"]


def test_answers_that_come_together_are_told_as_one(page: Page, proxy: ScriptedProxy) -> None:
    page.add_init_script(SPOKEN)
    proxy.accept("a", "b", "c")
    proxy.open()
    for prompt in "abc":
        submit(page, prompt)
    until(page, lambda: len(proxy.posts()) == 3)

    for prompt in "abc":
        proxy.answer(prompt, "It is so.")

    for _ in range(60):  # seconds of the page's time, for on a busy machine the first may come alone
        run(page, 1)
        if re.search(r"[23] results ready\.$", page.evaluate("window.spoken")[-1]):
            return
    raise AssertionError(page.evaluate("window.spoken"))


def test_the_header_tells_how_the_stack_is(page: Page, proxy: ScriptedProxy) -> None:
    told = [
        ({}, "Connected · llama3.2 ready · on CPU"),
        ({"model": {**MODEL, "processor": "gpu"}}, "Connected · llama3.2 ready · on GPU"),
        ({"model": {**MODEL, "state": "downloading", "percent": 42.7}}, "The model is downloading: 42 %." + WAIT),
        ({"model": {**MODEL, "state": "missing"}}, "llama3.2 is missing on the model server." + WAIT),
        ({"model": {**MODEL, "state": "unreachable"}}, "Ollama cannot be reached." + WAIT),
        (
            {"model": {**MODEL, "state": "troubled", "detail": "model requires more memory."}},
            "Ollama has trouble: model requires more memory." + WAIT,
        ),
        ({"model": {**MODEL, "state": "troubled"}}, "Ollama has trouble." + WAIT),
        ({"workers": 0}, "No worker is running." + WAIT),
        ({"paused": True}, "The queue is paused." + WAIT),
    ]
    proxy.open()

    for facts, words in told:
        run(page, 0.25)  # a look that is under way would still tell the last facts, and no other begins beside it
        proxy.queue = {**READY, **facts}
        page.evaluate("dispatchEvent(new Event('online'))")

        expect(page.locator("#headline")).to_have_text(words)
        expect(page.locator("#depth")).to_have_text("2 queued · 1 processing")


def test_trouble_of_the_model_server_counts_down_to_its_next_try(page: Page, proxy: ScriptedProxy) -> None:
    proxy.open()
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 2)  # seconds, where the browser has milliseconds
    run(page, 0.25)  # so that no look is under way
    retry_at = page.evaluate("new Date(Date.now() + 20500).toISOString()")
    model = {**MODEL, "state": "troubled", "detail": "it answered 502: Bad Gateway", "retry_at": retry_at}
    proxy.queue = {**READY, "model": model}
    page.evaluate("dispatchEvent(new Event('online'))")
    headline = page.locator("#headline")

    expect(headline).to_contain_text("Ollama has trouble: it answered 502: Bad Gateway, trying again in 2")
    run(page, 4)
    expect(headline).to_contain_text(re.compile(r"Bad Gateway, trying again in 1[67] s\. Prompts are accepted"))
    run(page, 20)
    expect(headline).to_have_text("Ollama has trouble: it answered 502: Bad Gateway, trying again now." + WAIT)


def test_a_download_shows_its_progress_until_the_model_is_ready(page: Page, proxy: ScriptedProxy) -> None:
    proxy.queue = {**READY, "model": {**MODEL, "state": "downloading", "percent": 42.7}}
    proxy.open()

    bar = page.get_by_role("progressbar", name="Model download")
    expect(bar).to_have_js_property("value", 42.7)
    proxy.queue = READY
    run(page, 2.5)

    expect(bar).to_be_hidden()
    expect(page.locator("#headline")).to_have_text(re.compile("llama3.2 ready"))
