"""The protocols as the benchmark speaks them: what counts as a word of the answer, and what does not."""

import json

import pytest

from bench.dialects import CHAT, CHAT_COMPLETIONS, COMPLETIONS, DIALECTS, GENERATE, MESSAGES, RESPONSES

BROUGHT = [
    (GENERATE, '{"model":"llama3.2","response":" word","done":false}', " word"),
    (GENERATE, '{"model":"llama3.2","response":"","done":false,"queue":{"position":3}}', ""),
    (CHAT, '{"message":{"role":"assistant","content":" word"},"done":false}', " word"),
    (CHAT_COMPLETIONS, 'data: {"choices":[{"index":0,"delta":{"content":" word"}}]}', " word"),
    (CHAT_COMPLETIONS, 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', ""),
    (CHAT_COMPLETIONS, 'data: {"choices":[],"usage":{"total_tokens":3}}', ""),
    (CHAT_COMPLETIONS, "data: [DONE]", ""),
    (CHAT_COMPLETIONS, ": position 3, about 40 s", ""),
    (COMPLETIONS, 'data: {"choices":[{"index":0,"text":" word"}]}', " word"),
    (RESPONSES, "event: response.output_text.delta", ""),
    (RESPONSES, 'data: {"type":"response.output_text.delta","delta":" word"}', " word"),
    (RESPONSES, 'data: {"type":"response.output_text.done","text":" word word"}', ""),
    (MESSAGES, 'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":" word"}}', " word"),
    (MESSAGES, 'data: {"type":"ping"}', ""),
]


@pytest.mark.parametrize(("dialect", "line", "text"), BROUGHT)
def test_a_line_brings_the_text_that_it_adds_to_the_answer(dialect, line, text):
    assert dialect.said(line.encode()) == text


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_empty_line_brings_nothing_and_the_body_names_the_model(dialect):
    assert dialect.said(b"") == ""
    assert json.loads(dialect.body(stream=False)).items() >= {"model": "llama3.2", "stream": False}.items()
