"""What people do with the product, through its front door: on plain processes, and in containers where an engine is."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect
from support.machine import BUILT_WITHIN
from support.product import PARTS, Product
from support.waiting import until

A_MOMENT, SECONDS = 10, 150  # tokens, at fifty a second


@pytest.fixture(autouse=True)
def ready(product: Product) -> None:
    """Each journey begins with a product that could answer."""
    product.until_ready()


def test_a_prompt_goes_in_at_one_door_and_its_answer_comes_out_at_the_other(product: Product) -> None:
    for entrance, exit_ in ((product, product.proxy), (product.proxy, product)):
        prompt_id = entrance.submit("Say something.", options={"num_predict": A_MOMENT})

        result = exit_.result(prompt_id)

        assert result.status == 200, result.text
        assert result.json["response"]
        assert (result.json["status"], result.json["outcome"]) == ("completed", "succeeded")
        assert exit_.status(prompt_id)["status"] == "completed"


def test_a_prompt_is_watched_from_the_line_to_its_answer(product: Product) -> None:
    busy = product.ask("Keep it busy.", tokens=SECONDS)
    product.until_status(busy, "processing")
    prompt_id = product.ask("Say something.", tokens=A_MOMENT)
    seen = [product.status(prompt_id)]

    product.cancel(busy)
    while seen[-1]["status"] != "completed":
        known = seen[-1]["status"]
        seen.append(product.get(f"/api/v1/prompt/{prompt_id}/status?wait=30&unless={known}").json)

    assert [each["status"] for each in seen] in (["queued", "processing", "completed"], ["queued", "completed"])
    assert seen[0]["position"] == 1
    assert seen[-1]["outcome"] == "succeeded"
    assert seen[0]["created_at"] <= seen[-1]["started_at"] <= seen[-1]["completed_at"]


def test_an_answer_is_followed_live_through_the_front_door(product: Product) -> None:
    prompt_id = product.ask("Say something.", tokens=SECONDS)

    told = list(product.events_of(prompt_id))

    assert [told[0].kind, told[-1].kind] == ["status", "completed"]
    assert told[-1].data["outcome"] == "succeeded"
    pieces = [event for event in told if event.kind == "token"]
    assert "".join(event.data["text"] for event in pieces) == product.answer(prompt_id)
    # nginx keeps nothing back: the text came in pieces, over about as long as the model took.
    assert len(pieces) > SECONDS / 3
    assert pieces[-1].at - pieces[0].at > SECONDS / 50 / 2


def test_two_who_ask_at_once_are_both_answered(product: Product) -> None:
    with ThreadPoolExecutor(2) as people:
        prompts = list(people.map(lambda text: product.ask(text, tokens=A_MOMENT), ("This one.", "That one.")))
        results = list(people.map(product.result, prompts))

    assert len(set(prompts)) == 2
    assert [(result.status, result.json["id"]) for result in results] == [(200, prompt_id) for prompt_id in prompts]


def test_a_cancelled_prompt_keeps_what_had_come_and_lets_the_next_one_run(product: Product) -> None:
    long = product.ask("Talk.", tokens=SECONDS)
    until(lambda: (product.status(long)["tokens"] or 0) > 3, "some of the answer is there")
    waiting = product.ask("Say something.", tokens=A_MOMENT)

    cancelled = product.cancel(long)

    assert (cancelled["status"], cancelled["outcome"]) == ("completed", "cancelled")
    result = product.result(long)
    assert (result.status, result.json["error"]["code"]) == (410, "cancelled")
    assert result.json["partial"]
    assert product.answer(waiting)
    assert product.status(long)["outcome"] == "cancelled"


def test_a_chat_is_answered_with_a_message(product: Product) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sky blue?"}]

    result = product.result(product.submit(messages=messages, options={"num_predict": A_MOMENT}))

    assert result.status == 200, result.text
    assert result.json["message"]["role"] == "assistant"
    assert result.json["message"]["content"]


def test_a_body_that_is_too_long_is_refused_at_both_doors_alike(product: Product) -> None:
    answers = [door.post("/api/v1/prompt", {"prompt": "a" * 5_000_000}) for door in (product, product.proxy)]

    assert [answer.status for answer in answers] == [413, 413]
    assert answers[0].json == answers[1].json


def test_the_page_is_the_same_at_both_doors(product: Product) -> None:
    pages = [door.get("/") for door in (product, product.proxy)]

    assert [page.status for page in pages] == [200, 200]
    assert pages[0].body == pages[1].body


def test_a_person_hands_in_a_prompt_on_the_page_and_reads_the_answer(page: Page, product: Product) -> None:
    expect.set_options(timeout=30_000)
    busy = product.ask("Keep it busy.", tokens=SECONDS)
    product.until_status(busy, "processing")
    page.goto(product.url)

    page.get_by_role("textbox", name="Prompt", exact=True).fill("Why is the sky blue?")
    page.get_by_role("button", name="Submit prompt").click()

    row = page.locator("#prompts > li").filter(has_text="Why is the sky blue?")
    expect(row).to_contain_text("Next in line")
    product.cancel(busy)
    expect(row).to_contain_text("Processing")
    expect(row).to_contain_text("Completed")
    expect(page.get_by_role("article").filter(has_text="Why is the sky blue?")).to_be_visible()


# On plain processes a campaign does this, and more (tests/chaos/).
@pytest.mark.parametrize(
    "product", [pytest.param("in_containers", marks=pytest.mark.timeout(BUILT_WITHIN))], indirect=True
)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("end", ["restart", "kill"])
def test_whatever_ends_in_mid_answer_every_prompt_is_answered(product: Product, part: str, end: str) -> None:
    in_hand = product.ask("Answered in spite of all.", tokens=SECONDS)
    until(lambda: (product.status(in_hand)["tokens"] or 0) > 3, "some of the answer is there")
    in_line = product.ask("Answered after it.", tokens=A_MOMENT)

    getattr(product, end)(part)

    product.until_ready()
    ended = [product.until_status(each, "completed", within=60) for each in (in_hand, in_line)]
    assert [each["outcome"] for each in ended] == ["succeeded", "succeeded"]
    assert ended[0]["attempt"] <= 2
    assert ended[1]["attempt"] == 1


def test_the_queue_outlives_what_it_ran_on(product: Product) -> None:
    answered = product.ask("Answered before.", tokens=A_MOMENT)
    text = product.answer(answered)
    in_hand = product.ask("Answered after.", tokens=SECONDS)
    waiting = product.ask("Answered even later.", tokens=A_MOMENT)

    product.stop()
    product.start()

    assert product.answer(answered) == text
    product.until_ready()
    assert [product.until_status(each, "completed")["outcome"] for each in (in_hand, waiting)] == ["succeeded"] * 2


def test_prompts_are_accepted_and_wait_while_the_model_is_still_missing(product: Product) -> None:
    product.erase()

    product.start()
    waiting = product.ask("Answered once there is a model.", tokens=A_MOMENT)
    seen = []
    while product.get("/readyz").status != 200:
        seen.append(product.queue()["model"])

    ended = product.until_status(waiting, "completed")
    assert (ended["outcome"], ended["attempt"]) == ("succeeded", 1)
    percents = [model["percent"] for model in seen if model["state"] == "downloading"]
    assert percents == sorted(percents)  # none where all of it was quicker than the first look
