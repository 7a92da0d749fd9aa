from __future__ import annotations

import openai
import pytest
from responses_asked import CALL, FUNCTION, is_gone, prompt_id_of, record


def test_a_conversation_of_three_goes_on_with_its_calls_and_without_its_instructions(client, answer, queue):
    first = answer(client, "", [CALL], input="weather?", instructions="be brief", tools=[FUNCTION])
    result = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "4 °C"}
    second = answer(client, "cold", input=[result], previous_response_id=first.id)
    third = answer(client, "yes", input="sure?", previous_response_id=second.id)
    assert third.previous_response_id == second.id
    request = queue.request(prompt_id_of(third))
    called = {**CALL, "id": first.output[0].call_id}
    assert request["messages"] == [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": "", "tool_calls": [called]},
        {"role": "tool", "content": "4 °C", "tool_call_id": called["id"], "tool_name": "weather"},
        {"role": "assistant", "content": "cold"},
        {"role": "user", "content": "sure?"},
    ]
    assert "system" not in request
    assert "tools" not in request


def test_an_item_that_was_put_out_can_be_referred_to_by_its_id(client, answer, queue):
    first = answer(client, "let me look", [CALL], input="weather?", tools=[FUNCTION])
    references = [{"type": "item_reference", "id": item.id} for item in first.output]
    result = {"type": "function_call_output", "call_id": first.output[1].call_id, "output": "4 °C"}
    second = answer(client, "cold", input=[{"role": "user", "content": "weather?"}, *references, result])
    roles = [message["role"] for message in queue.request(prompt_id_of(second))["messages"]]
    assert roles == ["user", "assistant", "tool"]
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="llama3.2", input=[{"type": "item_reference", "id": "msg_1"}])


def test_nothing_goes_on_from_a_response_that_has_no_answer(client, spoken, worker):
    response, _ = spoken
    for _ in range(2):  # before its end, and after one without an answer
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="llama3.2", input="hi", previous_response_id=response.id)
        assert refused.value.code == "previous_response_not_found"
        client.responses.cancel(response.id)


def test_a_response_that_is_not_stored_is_erased_once_it_was_delivered(client, answer, queue, until):
    response = answer(client, input="hi", store=False)
    assert response.store is False
    until(lambda: is_gone(queue, prompt_id_of(response)))
    for ask in (client.responses.retrieve, client.responses.input_items.list, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            ask(response.id)
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="llama3.2", input="hi", previous_response_id=response.id)


def test_a_response_that_is_not_stored_is_not_found_while_it_is_answered_either(client, claim, worker, meanwhile):
    asked = meanwhile(client.responses.create, model="llama3.2", input="hi", store=False)
    running = claim()
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(f"resp_{running.prompt.id.replace('-', '')}")
    worker.finish(running, record())
    asked.result(30)


def test_a_response_is_deleted_once(client, server, answer):
    response = answer(client, input="hi")
    deleted = server.call("DELETE", f"/v1/responses/{response.id}")
    assert deleted.json == {"id": response.id, "object": "response", "deleted": True}
    for ask in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            ask(response.id)


def test_deleting_a_response_ends_it(client, spoken, queue):
    response, _ = spoken
    client.responses.delete(response.id)
    assert is_gone(queue, prompt_id_of(response))


def test_input_items_are_listed_page_by_page_in_either_order(client, answer):
    first = answer(client, "let me look", [CALL], input="weather?", tools=[FUNCTION])
    result = {"type": "function_call_output", "call_id": first.output[1].call_id, "output": "4 °C"}
    response = answer(client, input=[result, {"role": "user", "content": "and?"}], previous_response_id=first.id)
    asked = client.responses.input_items.list
    forward = list(asked(response.id, order="asc", limit=2))  # the client asks for page after page
    assert [item.type for item in forward] == [
        "message", "message", "function_call", "function_call_output", "message",
    ]  # fmt: skip
    assert [item.content[0].text for item in forward if item.type == "message"] == ["weather?", "let me look", "and?"]
    assert list(asked(response.id)) == forward[::-1]
    page = asked(response.id, order="asc", limit=2, after=forward[0].id)
    assert (page.data, page.has_more, page.first_id, page.last_id) == (
        forward[1:3], True, forward[1].id, forward[2].id
    )  # fmt: skip
    assert asked(response.id, order="asc", after=forward[-1].id).data == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=msg_1"])
def test_a_page_that_there_is_not_is_refused(client, server, answer, query):
    response = answer(client, input="hi")
    refused = server.get(f"/v1/responses/{response.id}/input_items?{query}")
    assert (refused.status, refused.json["error"]["param"]) == (400, query.partition("=")[0])


def test_the_tokens_of_an_input_are_estimated(client, server):
    counted = client.responses.with_raw_response.input_tokens.count(input="x" * 400, instructions="y" * 40)
    assert counted.headers["X-Estimated"] == "true"
    assert counted.parse().input_tokens == 110


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/compact", 404),
        ("GET", "/resp_1", 404),
        ("GET", f"/resp_{'0' * 32}", 404),
        ("GET", f"/chatcmpl-{'0' * 32}", 404),
        ("POST", f"/resp_{'0' * 32}/cancel", 404),
        ("GET", "", 405),
        ("PUT", "", 405),
        ("GET", "/resp_1/nothing", 404),
    ],
)
def test_what_is_not_there_is_said_in_openai_s_words(server, method, path, status):
    answer = server.call(method, f"/v1/responses{path}")
    assert answer.status == status
    assert answer.json["error"].keys() == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"].startswith("req_")


def test_there_is_no_websocket(server):
    assert server.get("/v1/responses", Upgrade="websocket", Connection="Upgrade").status == 404


def test_a_prompt_of_another_face_is_no_response(server, worker, claim, meanwhile):
    body = {"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}]}
    asked = meanwhile(server.post, "/v1/chat/completions", body)
    running = claim()
    worker.finish(running, record())
    asked.result(30)
    assert server.get(f"/v1/responses/resp_{running.prompt.id.replace('-', '')}").status == 404
