"""The official client of OpenAI: chat, completions and responses, and what it asks of models."""

import json

import openai
from asked import DESCRIPTION, MODEL, PARAMETERS, SCHEMA, TOOL, only, told

FLAT = {
    "type": "function",
    "name": "add_numbers",
    "description": DESCRIPTION,
    "parameters": PARAMETERS,
    "strict": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
FORMAT_OF_TEXT = {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}}


def settings(case):
    return only(
        base_url=case["url"] + "/v1", api_key="none", timeout=case.get("timeout"), max_retries=case.get("retries")
    )


def chat_arguments(case):
    return only(
        model=case.get("model", MODEL),
        messages=case.get("messages") or [{"role": "user", "content": case["text"]}],
        tools=[TOOL] if case.get("tools") else None,
        response_format=FORMAT if case.get("schema") else None,
        **case.get("options", {}),
    )


class Gathered:
    """A chat's answer, of chunks or whole."""

    def __init__(self, say):
        self.say, self.text, self.calls, self.finish = say, "", {}, None

    def chunk(self, chunk):
        for choice in chunk.choices:
            if choice.delta.content:
                self.text += choice.delta.content
                self.say(choice.delta.content)
            for call in choice.delta.tool_calls or ():
                known = self.calls.setdefault(call.index, {"id": call.id, "name": "", "arguments": ""})
                known["name"] += call.function.name or ""
                known["arguments"] += call.function.arguments or ""
            self.finish = choice.finish_reason or self.finish

    def whole(self, answer):
        choice = answer.choices[0]
        self.text, self.finish = choice.message.content or "", choice.finish_reason
        self.say(self.text)
        for number, call in enumerate(choice.message.tool_calls or ()):
            self.calls[number] = {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}

    def told(self):
        calls = [{"name": each["name"], "arguments": json.loads(each["arguments"])} for each in self.calls.values()]
        return told(self.text, calls, self.finish)

    def next_messages(self, result):
        calls = [
            {"id": each["id"], "type": "function", "function": {"name": each["name"], "arguments": each["arguments"]}}
            for each in self.calls.values()
        ]
        results = [{"role": "tool", "tool_call_id": each["id"], "content": result} for each in self.calls.values()]
        return [{"role": "assistant", "content": self.text or None, "tool_calls": calls}, *results]


def chat(case, say):
    client = openai.OpenAI(**settings(case))

    def turn(asked):
        gathered = Gathered(say)
        if case["stream"]:
            for chunk in client.chat.completions.create(**asked, stream=True):
                gathered.chunk(chunk)
        else:
            gathered.whole(client.chat.completions.create(**asked))
        return gathered

    asked = chat_arguments(case)
    first = turn(asked)
    if "result" not in case or not first.calls:
        return first.told()
    messages = [*asked["messages"], *first.next_messages(case["result"])]
    return {**turn({**asked, "messages": messages}).told(), "calls": first.told()["calls"]}


async def chat_async(case, say):
    gathered = Gathered(say)
    async with openai.AsyncOpenAI(**settings(case)) as client:
        if case["stream"]:
            async for chunk in await client.chat.completions.create(**chat_arguments(case), stream=True):
                gathered.chunk(chunk)
        else:
            gathered.whole(await client.chat.completions.create(**chat_arguments(case)))
    return gathered.told()


def completions(case, say):
    client = openai.OpenAI(**settings(case))
    asked = {"model": case.get("model", MODEL), "prompt": case["text"]}
    if not case["stream"]:
        choice = client.completions.create(**asked).choices[0]
        say(choice.text)
        return told(choice.text, finish=choice.finish_reason)
    text, finish = "", None
    for chunk in client.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            if choice.text:
                text += choice.text
                say(choice.text)
            finish = choice.finish_reason or finish
    return told(text, finish=finish)


def responses(case, say):
    client = openai.OpenAI(**settings(case))

    def turn(asked):
        if not case["stream"]:
            answer = client.responses.create(**asked)
            say(answer.output_text)
            return answer
        with client.responses.stream(**asked) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    say(event.delta)
            return stream.get_final_response()

    asked = only(
        model=case.get("model", MODEL),
        input=case["text"],
        tools=[FLAT] if case.get("tools") else None,
        text=FORMAT_OF_TEXT if case.get("schema") else None,
        **case.get("options", {}),
    )
    first = turn(asked)
    made = [each for each in first.output if each.type == "function_call"]
    calls = [{"name": each.name, "arguments": json.loads(each.arguments)} for each in made]
    if "result" not in case or not made:
        return told(first.output_text, calls, first.status)
    results = [{"type": "function_call_output", "call_id": each.call_id, "output": case["result"]} for each in made]
    second = turn({**asked, "input": results, "previous_response_id": first.id})
    return told(second.output_text, calls, second.status)


def sync(case, say):
    client = openai.OpenAI(**settings(case))
    match case.get("do", "chat"):
        case "chat":
            return chat(case, say)
        case "completions":
            return completions(case, say)
        case "list":
            return told(data=[each.id for each in client.models.list().data])
        case "show":
            return told(data=[client.models.retrieve(case.get("model", MODEL)).id])
        case "embed":
            return told(data=client.embeddings.create(model=MODEL, input=case["text"]).data)


CLIENTS = {"openai-python": sync, "openai-python-async": chat_async, "openai-python-responses": responses}
