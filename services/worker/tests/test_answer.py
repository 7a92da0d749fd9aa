"""An answer is Ollama's final record with everything in it that was streamed before."""

from __future__ import annotations

import pytest
from worker.answer import Answer


def test_the_record_of_a_prompt_holds_the_whole_text_and_no_context():
    answer = Answer()
    answer.take({"response": "Hello", "done": False})
    final = {"response": ", you", "done": True, "done_reason": "stop", "context": [1, 2], "eval_count": 3}
    answer.take(final)

    record = answer.record(final)

    assert record == {"response": "Hello, you", "done": True, "done_reason": "stop", "eval_count": 3}
    assert answer.tokens(final) == 3


def test_the_record_of_a_chat_keeps_role_tool_calls_and_thinking():
    call = {"id": "call_1", "function": {"index": 0, "name": "now", "arguments": {}}}
    answer = Answer()
    answer.take({"message": {"role": "assistant", "content": "", "thinking": "Hm"}, "done": False})
    answer.take({"message": {"role": "assistant", "content": "Let me see", "thinking": "."}, "done": False})
    answer.take({"message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False})
    final = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    answer.take(final)

    message = answer.record(final)["message"]

    assert message == {"role": "assistant", "content": "Let me see", "thinking": "Hm.", "tool_calls": [call]}


@pytest.mark.parametrize("message", [None, {}])
def test_the_record_of_a_prompt_has_no_message_that_could_be_taken_for_a_chats(message):
    answer = Answer()
    final = {"response": "Hello", "message": message, "done": True, "done_reason": "stop"}
    answer.take(final)

    assert answer.record(final) == {"response": "Hello", "done": True, "done_reason": "stop"}


def test_tokens_are_counted_by_pieces_where_ollama_gives_no_count():
    answer = Answer()
    for piece in ("a", "", "b"):
        answer.take({"response": piece})

    assert answer.tokens({"done": True}) == 2
