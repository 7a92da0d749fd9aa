"""The page in the browsers of those who do not use Chromium: the same file, the same promises, their engines."""

from collections.abc import Callable, Iterator

import pytest
from e2e import engines
from e2e.engines import CONTROL, ENTER, Engine
from simulator.client import Simulator
from support.machine import unable
from support.stack import Stack
from support.waiting import until

MARKED_UP = "# Rain\n\nIt is **wet**.\n\n```python\nprint(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
HOSTILE = (
    "<script>window.pwned = 1</script> <img src=x onerror='window.pwned = 1'> [here](javascript:window.pwned=1) "
    "![seen](http://127.0.0.1:1/spy.png)\n\n" + "x" * 5_000 + "\n\nThe end."
)
LONG = "".join(f"Line {number} of a long answer.\n\n" for number in range(100)) + "The end."
SLOW = " ".join(f"word{number}" for number in range(200))


@pytest.fixture(scope="module", params=sorted(engines.ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if reason := engines.missing(request.param):
        unable(reason)
    with engines.ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def page(engine: Engine, stack: Stack) -> Engine:
    """The page as the proxy serves it, with nothing remembered."""
    engine.open(stack.url)
    engine.until_it_shows("ready", within="#headline")
    if has_prompts(engine):
        forget_everything(engine)
    return engine


def forget_everything(page: Engine) -> None:
    """As the page asks for it: nothing goes before the question is answered."""
    page.press("Forget everything")
    assert has_prompts(page)
    page.press("Forget", within="dialog")
    until(lambda: not has_prompts(page), "everything is forgotten")


def has_prompts(page: Engine) -> bool:
    return bool(page.ask("document.querySelector('#prompts').childElementCount > 0"))


def top_of(page: Engine, element: str) -> float:
    """How far from the window's top it stands."""
    return float(page.ask(f"{element}.getBoundingClientRect().top"))


@pytest.mark.ollama(text=MARKED_UP)
def test_a_prompt_that_the_keyboard_submits_is_answered_in_rendered_text_that_a_reload_keeps(page: Engine) -> None:
    page.type("What is rain?", CONTROL, ENTER)

    page.until_it_shows("Completed", within="#prompts")
    page.until_it_shows("print(1)", within="article pre")
    page.reload()

    page.until_it_shows("print(1)", within="article pre")
    page.until_it_shows("Completed", within="#prompts")
    assert page.shows("wet", within="article strong")
    assert page.shows("2", within="article td:last-child")


@pytest.mark.ollama(pace=0.05, text=SLOW)
def test_text_is_seen_while_it_comes_and_a_cancelled_prompt_keeps_what_had_come(
    page: Engine, simulator: Simulator
) -> None:
    page.type("Talk.", CONTROL, ENTER)
    page.until_it_shows("word5", within="article")
    assert page.shows("Processing", within="#prompts")

    page.press("Cancel")

    page.until_it_shows("Cancelled", within="#prompts")
    assert simulator.wait_for_end(1)["end"] == "client_closed"
    assert page.shows("word0 word1 word2", within="article")


@pytest.mark.ollama(text=HOSTILE)
def test_an_answer_that_is_an_attack_is_shown_as_text_and_does_nothing(page: Engine) -> None:
    page.type("Attack.", CONTROL, ENTER)

    page.until_it_shows("The end.", within="article")

    assert page.shows("<script>window.pwned = 1</script>", within="article")
    assert page.ask("window.pwned === undefined")
    assert page.ask("document.querySelectorAll('article :is(script, img, [href^=javascript])').length") == 0
    assert page.ask("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.ollama(text="A short answer.")
def test_an_answer_is_copied_and_forgotten_only_after_a_question(page: Engine) -> None:
    page.type("Short, please.", CONTROL, ENTER)
    page.until_it_shows("A short answer.", within="article")
    page.until_it_shows("Completed", within="#prompts")

    page.press("Copy")
    page.until_it_shows("Copied", within="#prompts")
    forget_everything(page)
    page.reload()

    assert page.ask("document.querySelector('#prompts').childElementCount") == 0


@pytest.mark.ollama(text=LONG)
@pytest.mark.parametrize("scrolled", [0, 900])
def test_what_is_read_stays_while_another_prompt_opens_and_is_written(
    page: Engine, simulator: Simulator, scrolled: int
) -> None:
    page.type("First.", CONTROL, ENTER)
    page.until_it_shows("The end.", within="article")
    page.ask(f"scrollTo(0, {scrolled})")
    line = f"[...document.querySelectorAll('article p')].find((x) => x.textContent.includes('Line {scrolled // 45} '))"
    before = top_of(page, line)

    simulator.set(pace=0.02, text=SLOW)
    page.type("Second.", CONTROL, ENTER)
    page.until_it_shows("word150", within="#cards")

    assert abs(top_of(page, line) - before) < 1


@pytest.mark.ollama(pace=0.02, text="\n\n".join(SLOW.split()))
def test_whoever_types_follows_no_more_and_the_box_stays(page: Engine) -> None:
    page.type("Talk.", CONTROL, ENTER)
    page.until_it_shows("word5", within="article")
    page.press("Follow", within="article")
    until(lambda: page.ask("scrollY > 100"), "the page follows")

    page.type("n")
    box = "document.getElementById('prompt')"
    before = top_of(page, box)
    page.until_it_shows("word150", within="article")

    assert top_of(page, box) == before
    page.type("\ue003")


@pytest.mark.ollama(text="For you alone.")
def test_a_key_is_asked_for_and_lets_in(engine: Engine, build: Callable[..., Stack]) -> None:
    stack = build()
    stack.start()
    key = stack.operate("keys", "add", "anna").stdout.strip()
    engine.open(stack.url)
    engine.until_it_shows("This proxy asks for an API key.", within="#door[open]")

    engine.type("guessed", ENTER, into="key")
    engine.until_it_shows("does not know this key", within="#door[open]")
    engine.type(key, ENTER, into="key")
    engine.until_it_shows("ready", within="#headline")
    engine.type("Short, please.", CONTROL, ENTER)
    engine.until_it_shows("For you alone.", within="article")
    engine.reload()

    engine.until_it_shows("For you alone.", within="article")
    assert not engine.shows("API key", within="#door[open]")
