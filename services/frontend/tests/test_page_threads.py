"""A follow-up to an answer goes on with its conversation."""

from page_parts import box, press_more, result, rows, run, submit, until
from playwright.sync_api import Page, expect
from scripted_proxy import ScriptedProxy, succeeded

SAID = [{"role": "user", "content": "Why is the sky blue?"}, {"role": "assistant", "content": "Because of the *air*."}]


def answered(page: Page, proxy: ScriptedProxy) -> None:
    proxy.accept("a", "b", "c")
    proxy.answer("a", "Because of the *air*.")
    proxy.open()
    submit(page, "Why is the sky blue?")
    run(page, 2)
    page.get_by_role("button", name="Follow up: Why is the sky blue?").click()


def test_a_follow_up_sends_what_was_said_and_shows_as_one_thread(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy)
    expect(box(page)).to_be_focused()
    expect(page.locator("#reply")).to_contain_text("Conversation: Why is the sky blue?")
    proxy.results["b"] = [
        (200, {**succeeded("b"), "message": {"role": "assistant", "content": "At dusk it is **red**."}})
    ]
    proxy.statuses["b"] = [(200, succeeded("b"))]

    submit(page, "And at dusk?")
    run(page, 2)

    expect(page.locator(".thread")).to_have_count(1)
    expect(page.locator(".thread h3")).to_have_text(["Why is the sky blue?", "And at dusk?"])
    expect(result(page).last.locator("strong")).to_have_text("red")
    expect(page.locator("#reply")).to_contain_text("Conversation: And at dusk?")
    assert proxy.bodies()[1] == {"messages": [*SAID, {"role": "user", "content": "And at dusk?"}]}


def test_a_turn_that_is_edited_stays_in_its_conversation(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy)
    proxy.end("b", "failed", "No.")
    submit(page, "And at dusk?")
    run(page, 2)

    press_more(rows(page).first, "Edit", "And at dusk?")

    expect(page.locator("#reply")).to_contain_text("Conversation: Why is the sky blue?")
    submit(page, "And at dawn?")
    run(page, 1)
    assert proxy.bodies()[2] == {"messages": [*SAID, {"role": "user", "content": "And at dawn?"}]}


def test_a_follow_up_of_a_follow_up_sends_all_of_it(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy)
    proxy.answer("b", "Red.")
    submit(page, "And at dusk?")
    run(page, 2)

    submit(page, "And at night?")
    until(page, lambda: len(proxy.posts()) == 3)

    roles = [x["role"] for x in proxy.bodies()[2]["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


def test_what_is_being_replied_to_survives_a_reload_and_a_new_topic_lets_go_of_it(
    page: Page, proxy: ScriptedProxy
) -> None:
    answered(page, proxy)
    box(page).fill("And at")
    page.reload()
    expect(page.locator("#reply")).to_contain_text("Conversation: Why is the sky blue?")
    expect(box(page)).to_have_value("And at")

    page.get_by_role("button", name="New topic").click()
    submit(page, "What is a queue?")
    until(page, lambda: len(proxy.posts()) == 2)

    assert proxy.bodies()[1] == {"prompt": "What is a queue?"}


def test_a_follow_up_that_is_sent_again_keeps_its_conversation(page: Page, proxy: ScriptedProxy) -> None:
    answered(page, proxy)
    proxy.end("b", "failed", "It broke.")
    submit(page, "And at dusk?")
    run(page, 2)

    press_more(rows(page).first, "Send again", "And at dusk?")
    until(page, lambda: len(proxy.posts()) == 3)

    assert proxy.bodies()[2] == proxy.bodies()[1]
    assert len(set(proxy.keys())) == 3
