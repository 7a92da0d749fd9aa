"""What the tests of responses ask with OpenAI's own client for Python, and what they are answered."""

from __future__ import annotations

import uuid

import openai
from promptqueue.errors import PromptNotFound

FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
CALL = {"function": {"name": "weather", "arguments": {"city": "Zürich"}}}
TEXT = "one two three"


def record(text=TEXT, calls=(), reason="stop"):
    message = {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}
    return {
        "model": "llama3.2",
        "message": message,
        "done": True,
        "done_reason": reason,
        "prompt_eval_count": 36,
        "eval_count": 3,
    }


def client_of(server, **options):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0, **options)


def in_background(client, **fields):
    return client.responses.create(model="llama3.2", input="hi", background=True, **fields)


def follow(client, response_id, after=None):
    there = {} if after is None else {"starting_after": after}
    return client.responses.retrieve(response_id, stream=True, **there)


def is_gone(queue, prompt_id):
    try:
        queue.get(prompt_id)
    except PromptNotFound:
        return True
    return False


def prompt_id_of(response):
    return str(uuid.UUID(response.id.removeprefix("resp_")))


def numbers_of(events):
    return [event.sequence_number for event in events]


def text_of(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")
