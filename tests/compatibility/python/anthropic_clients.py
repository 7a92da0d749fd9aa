"""The official client of Anthropic."""

import anthropic
from asked import DESCRIPTION, MODEL, PARAMETERS, SCHEMA, only, told

TOOL = {"name": "add_numbers", "description": DESCRIPTION, "input_schema": PARAMETERS}


def settings(case):
    return only(base_url=case["url"], api_key="none", timeout=case.get("timeout"), max_retries=case.get("retries"))


def arguments(case):
    return only(
        model=case.get("model", MODEL),
        max_tokens=case.get("limit", 4096),
        messages=case.get("messages") or [{"role": "user", "content": case["text"]}],
        tools=[TOOL] if case.get("tools") else None,
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}} if case.get("schema") else None,
    )


def read(message):
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = [{"name": each.name, "arguments": each.input} for each in message.content if each.type == "tool_use"]
    return told(text, calls, message.stop_reason)


def next_messages(message, result):
    results = [
        {"type": "tool_result", "tool_use_id": each.id, "content": result}
        for each in message.content
        if each.type == "tool_use"
    ]
    content = [each.model_dump(exclude_none=True) for each in message.content]
    return [{"role": "assistant", "content": content}, {"role": "user", "content": results}]


def messages(case, say):
    client = anthropic.Anthropic(**settings(case))

    def turn(asked):
        if not case["stream"]:
            message = client.messages.create(**asked)
            say(read(message)["text"])
            return message
        with client.messages.stream(**asked) as stream:
            for text in stream.text_stream:
                say(text)
            return stream.get_final_message()

    asked = arguments(case)
    first = turn(asked)
    if "result" not in case or not read(first)["calls"]:
        return read(first)
    second = turn({**asked, "messages": [*asked["messages"], *next_messages(first, case["result"])]})
    return {**read(second), "calls": read(first)["calls"]}


async def messages_async(case, say):
    async with anthropic.AsyncAnthropic(**settings(case)) as client:
        if not case["stream"]:
            message = await client.messages.create(**arguments(case))
            say(read(message)["text"])
            return read(message)
        async with client.messages.stream(**arguments(case)) as stream:
            async for text in stream.text_stream:
                say(text)
            return read(await stream.get_final_message())


def sync(case, say):
    client = anthropic.Anthropic(**settings(case))
    match case.get("do", "chat"):
        case "chat":
            return messages(case, say)
        case "list":
            return told(data=[each.id for each in client.models.list().data])
        case "show":
            return told(data=[client.models.retrieve(case.get("model", MODEL)).id])
        case "count":
            asked = {name: value for name, value in arguments(case).items() if name in ("model", "messages", "tools")}
            return told(data=client.messages.count_tokens(**asked).input_tokens)


CLIENTS = {"anthropic-python": sync, "anthropic-python-async": messages_async}
