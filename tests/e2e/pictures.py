"""Takes pictures of the page, the documents' among them. A script, because a picture is looked at, not asserted.

Each scene is one product and one history of prompts. All of them, or those that the command line names.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, build_opener

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "ollama"), str(ROOT / "tests")]

from e2e.camera import SCREENS, take, take_as_it_is  # noqa: E402 (found only through the line above, as are the others)
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright  # noqa: E402
from simulator.client import Simulator  # noqa: E402
from support.machine import CHROMIUM_ARGUMENTS, CHROMIUMS, program  # noqa: E402
from support.stack import Stack  # noqa: E402
from support.waiting import until  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SKY = "Why is the sky blue?"
HAIKU = "Write a haiku about waiting in line."
LISBON = "Plan a weekend in Lisbon with two children."
QUEUES = "How do I wait for an answer of the queue from Python?"
MEMORY = "model requires more system memory (3.2 GiB) than is available (1.1 GiB)"

POEM = "Waiting in line,\nthe cursor blinks like a heart.\nThen, at last: a word."
WAITING = """The sky is blue because of **Rayleigh scattering**. Sunlight holds all colours, and the air scatters \
the short waves of blue far more than the long waves of red, about five times as strongly.

1. Light enters the air from one direction.
2. Blue leaves its path and reaches you from everywhere.
3. Towards evening the path is longer, and what is left is red.

That is also why the sun itself looks yellow: it is white with some blue taken out. """
SATURDAY = """**Saturday**: tram 28 up to the castle, custard tarts in Belém, and the riverside playground by the tower.

**Sunday**: the Oceanário, then the cable car along the water."""
PACKING = """For two days in spring:

- light jackets, for the wind comes off the river,
- shoes that forgive cobbles,
- a hat for each child, and one that may be lost."""
RAIN = "The Oceanário first: it is dry, and takes half a day. Then the Pavilion of Knowledge next door."
ANSWER = """Hand in the prompt, keep its id, and *hold* one request until the status changes:

```python
import requests

API = "http://localhost:8000/api/v1/prompt"

def answer(prompt: str) -> str:
    made = requests.post(API, json={"prompt": prompt}).json()
    while True:
        result = requests.get(f"{API}/{made['id']}/result?wait=60")
        if result.status_code != 202:
            return result.json()["response"]
```

| way | requests a minute | delay | good for |
|---|---:|---|---|
| polling each second | 60 | up to 1 s | a quick script |
| `?wait=60` | 1 | none | programs |
| the event stream | 0 | none | people who read along |

### What to keep in mind

- **202** means *not yet*; ask again.
- **410** means that there will be no answer, and `error` says why.
- An `Idempotency-Key` makes it safe to send the same prompt twice.

> Nothing that was accepted is ever lost, so a program may end while it waits, and ask again later.
"""
MINUTES = """(queue) => ({ ...queue, history: Array.from({ length: 60 }, (_, n) => ({ queued: Math.round(6 + 5 *
  Math.sin(n / 7) + n % 3), oldest_wait_seconds: Math.round(40 + 38 * Math.sin(n / 7)), completed: 3 + n * 7 % 4,
  failed: 0, tokens: 700 + n * 37 % 200 })) })"""  # an hour that nobody waits for
MANY = """(n) => { state.prompts = Array.from({ length: n }, (_, i) => Object.assign(newPrompt(`Prompt ${n - i}: `
  + "what is there to see from here, and how long does it take? ".repeat(i % 3)), { id: `${i}`, load: false,
  state: ["completed", "completed", "cancelled", "failed", "completed"][i % 5], text: "It is **so**. ".repeat(40),
  tokens: 160, wanted: i < 3, error: { message: "The model server broke off in the middle." } })); changed(); }"""


def main() -> int:
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(*CHROMIUMS), args=CHROMIUM_ARGUMENTS)
        for name in sys.argv[1:] or SCENES:
            SCENES[name](browser)
        browser.close()
    return 0


def first(browser: Browser) -> None:
    """What somebody sees who was never here."""
    with product(browser) as (page, _, _):
        take(browser, page, "first", is_connected)


def flight(browser: Browser) -> None:
    """Several prompts in flight, and then the same with the proxy gone."""
    with product(browser, text=POEM, pace=0.4) as (page, simulator, stack):  # so that times to go are told
        expect(submit(page, HAIKU)).to_contain_text("Completed")
        simulator.set(pace=0.35, text=WAITING)
        expect(submit(page, SKY)).to_contain_text("words")
        submit(page, LISBON)
        expect(submit(page, "And what would you pack for it?")).to_contain_text("1 ahead")
        take(browser, page, "flight", _has_caught_up)
        stack.stop()
        expect(page.locator("#prompts > li").first).to_contain_text("last checked")
        expect(submit(page, "Is anybody there?")).to_contain_text("Waiting to send")
        take_as_it_is(page, "down")


def conversation(browser: Browser) -> None:
    """Three turns, and the box is ready for the next."""
    with product(browser, text=SATURDAY) as (page, simulator, _):
        expect(submit(page, LISBON)).to_contain_text("Completed")
        page.get_by_role("button", name=f"Follow up: {LISBON}").click()
        for question, reply in (("What should we pack?", PACKING), ("And if it rains?", RAIN)):
            simulator.set(text=reply)
            expect(submit(page, question)).to_contain_text("Completed")
        take(browser, page, "conversation", _is_followed_up, "#results")


def answer(browser: Browser) -> None:
    """A long one, with code and a table."""
    with product(browser, text=ANSWER) as (page, _, _):
        expect(submit(page, QUEUES)).to_contain_text("Completed")
        take(browser, page, "answer", lambda shown: expect(shown.locator("table")).to_be_attached(), "#results")


def trouble(browser: Browser) -> None:
    """One prompt has failed, one was cancelled in mid-answer, one waits for a model server that has no room."""
    with product(browser, text=WAITING, pace=0.05) as (page, simulator, _):
        submitted = submit(page, SKY)
        expect(submitted).to_contain_text("words")
        submitted.get_by_role("button", name="Cancel").click()
        expect(submitted).to_contain_text("Cancelled")
        simulator.fault("status", status=400)
        expect(submit(page, QUEUES)).to_contain_text("Failed")
        simulator.fault("status", status=500, text=MEMORY, times=None)
        submit(page, LISBON)
        expect(page.locator("#headline")).to_contain_text("Ollama has trouble")
        take(browser, page, "trouble", lambda shown: expect(shown.locator("#headline")).to_contain_text("trying again"))


def queue(browser: Browser) -> None:
    """What the person who runs it looks at."""
    with product(browser, text=WAITING, pace=0.3) as (page, _, _):
        for text in (SKY, LISBON, HAIKU):
            submit(page, text)
        expect(page.locator("#depth")).to_have_text("2 queued · 1 processing")
        take(browser, page, "queue", _has_the_queue_open)


def servers(browser: Browser) -> None:
    """Four model servers: a quick one, a slow one, one to which the model comes, and one that is gone."""
    slow, empty, gone = Simulator(text=WAITING, pace=0.1), Simulator(models=[], pull_time=600), Simulator()
    with product(browser, slow, empty, gone, text=POEM, pace=0.05) as (page, simulator, stack):
        _until_servers(stack, lambda each: each["state"] == "ready", 3)
        gone.stop()
        for text in (HAIKU, SKY, LISBON):
            submit(page, text)
        _until_servers(stack, lambda each: each["seconds_per_prompt"], 2)
        _until_servers(stack, lambda each: each["state"] == "unreachable", 1)
        for one in (simulator, slow):
            one.set(pace=0.4, text=WAITING)
        for text in (QUEUES, SKY, LISBON):
            submit(page, text)
        take(browser, page, "servers", _has_the_queue_open)


def download(browser: Browser) -> None:
    """The first minutes, in which the model comes."""
    with product(browser, models=[], pull_time=60) as (page, _, _):
        expect(submit(page, SKY)).to_contain_text("Queued")
        expect(page.locator("#headline")).to_contain_text(re.compile(r": [2-9]\d %"))
        take(browser, page, "download", lambda shown: expect(shown.locator("#download")).to_be_visible())


def keys(browser: Browser) -> None:
    """A page that needs a key, a wrong one, what an owner sees, and what an admin sees of all owners."""
    with product(browser, text=WAITING, pace=0.3) as (page, _, stack):
        anna, ben, admin = (made_key(stack, *arguments) for arguments in (["anna"], ["ben"], ["carl", "--role=admin"]))
        for key, text in ((anna, SKY), (ben, LISBON), (ben, HAIKU), (anna, QUEUES)):
            asked = Request(f"{stack.url}/api/v1/prompt", json.dumps({"prompt": text}).encode())
            asked.add_header("Authorization", f"Bearer {key}")
            with build_opener().open(asked) as answered:
                assert answered.status == 202
        take(browser, page, "key", lambda shown: expect(shown.get_by_role("dialog")).to_be_visible())
        take(browser, page, "key-wrong", partial(_gives, key="wrong"))
        take(browser, page, "key-owner", partial(_looks_with, key=anna, prompts=2, lists=0))
        take(browser, page, "key-admin", partial(_looks_with, key=admin, prompts=0, lists=2))


def many(browser: Browser) -> None:
    """One prompt, three, twenty and five hundred."""
    with product(browser) as (page, _, _):
        for number in (1, 3, 20, 500):
            take(browser, page, f"many-{number}", _having(number))


def is_connected(shown: Page) -> None:
    expect(shown.locator("#headline")).to_contain_text("ready")


def _has_caught_up(shown: Page) -> None:
    is_connected(shown)
    expect(shown.locator("article").last).to_contain_text("words")
    expect(shown.locator("#prompts > li").first).to_contain_text("1 ahead")


def _is_followed_up(shown: Page) -> None:
    expect(shown.locator("article")).to_have_count(3)
    expect(shown.locator("article").last).to_contain_text("Pavilion")
    shown.get_by_role("button", name="Follow up: And if it rains?").click()


def _has_the_queue_open(shown: Page) -> None:
    shown.evaluate(
        f"() => {{ const call = api.call, told = {MINUTES}; api.call = async (path, options) => "
        "path.startsWith('queue?') ? told(await call(path, options)) : call(path, options); }"
    )
    shown.locator("#depth").click()
    expect(shown.locator("#charts figure")).to_have_count(3)


def _gives(shown: Page, key: str) -> None:
    shown.get_by_role("textbox", name="API key").fill(key)
    shown.get_by_role("button", name="Use this key").click()
    if key == "wrong":
        expect(shown.get_by_role("dialog")).to_contain_text("does not know this key")


def _looks_with(shown: Page, key: str, prompts: int, lists: int) -> None:
    _gives(shown, key)
    is_connected(shown)
    shown.locator("#depth").click()
    expect(shown.locator("#facts")).to_contain_text("Yours waiting")
    expect(shown.locator("#charts figure")).to_have_count(3)
    expect(shown.locator("#control table")).to_have_count(lists)
    expect(shown.locator("#prompts > li")).to_have_count(prompts)


def _having(number: int) -> Callable[[Page], None]:
    def has(shown: Page) -> None:
        is_connected(shown)
        shown.evaluate(MANY, number)
        expect(shown.locator("article").first).to_contain_text("It is so.")

    return has


def _until_servers(stack: Stack, are: Callable[[dict[str, Any]], object], count: int) -> None:
    until(lambda: sum(bool(are(each)) for each in stack.queue()["servers"]) >= count, "as many servers are so")


@contextmanager
def product(browser: Browser, *others: Simulator, **settings: object) -> Iterator[tuple[Page, Simulator, Stack]]:
    """The page of a whole product with a simulator that is set so, and others beside it."""
    with tempfile.TemporaryDirectory() as folder, Simulator(**settings) as simulator, ExitStack() as started:
        urls = [simulator.url, *(started.enter_context(other).url for other in others)]
        stack = Stack(Path(folder) / "stack", simulator, {"OLLAMA_URLS": ",".join(urls)})
        try:
            stack.start()
            context = browser.new_context(**SCREENS["desktop"])
            page = context.new_page()
            page.goto(stack.url)
            yield page, simulator, stack
            context.close()
        finally:
            stack.stop()


def made_key(stack: Stack, *arguments: str) -> str:
    """Make a key, which from then on everybody needs."""
    made = stack.operate("keys", "add", *arguments)
    assert made.returncode == 0, made.stderr
    return made.stdout.split()[-1]


def submit(page: Page, text: str) -> Locator:
    """Hand in a prompt; its row."""
    page.get_by_role("textbox", name="Prompt", exact=True).fill(text)
    page.get_by_role("button", name="Submit prompt").click()
    return page.locator("#prompts > li").filter(has_text=text)


SCENES = {
    scene.__name__: scene
    for scene in (first, flight, conversation, answer, trouble, queue, servers, download, keys, many)
}

if __name__ == "__main__":
    sys.exit(main())
