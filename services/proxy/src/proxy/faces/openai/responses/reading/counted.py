"""How many tokens a request would have, estimated before anything is asked."""

from typing import Any

from proxy.calls.estimate import tokens_of
from proxy.faces.openai.fields import checked
from proxy.faces.openai.responses.reading.asked import messages_of
from proxy.faces.openai.responses.reading.body import Body
from proxy.faces.openai.responses.reading.past import Past
from proxy.faces.openai.responses.reading.tools import Tools


def count(value: Any, *, past: Past) -> int:
    """Estimate the tokens of the texts and tools of a body that asks for a response. Raises InvalidAsked."""
    body = checked(Body, value)
    tools = Tools(body.tools or [], body.tool_choice)
    messages = messages_of(body, past)
    texts = [message["content"] for message in messages]
    called = [call["function"] for message in messages for call in message.get("tool_calls", ())]
    return tokens_of(body.instructions or "", *texts, *called, *(tool["function"] for tool in tools.chosen))
