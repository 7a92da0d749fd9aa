"""The official client of Ollama, both kinds of it."""

from asked import MODEL, SCHEMA, TOOL, only, told

import ollama


def arguments(case):
    return only(
        model=case.get("model", MODEL),
        messages=case.get("messages") or [{"role": "user", "content": case["text"]}],
        tools=[TOOL] if case.get("tools") else None,
        format=SCHEMA if case.get("schema") else None,
        options=case.get("options"),
    )


def with_result(asked, first, case):
    """The next turn: what was called, and what it gave."""
    message = {"role": "assistant", "content": first["text"], "tool_calls": first["raw"]}
    name = first["calls"][0]["name"]
    return {
        **asked,
        "messages": [*asked["messages"], message, {"role": "tool", "content": case["result"], "tool_name": name}],
    }


class Gathered:
    """An answer as it comes."""

    def __init__(self, say):
        self.say, self.text, self.calls, self.finish = say, "", [], None

    def take(self, part):
        message = part.message
        if message.content:
            self.text += message.content
            self.say(message.content)
        self.calls += message.tool_calls or []
        self.finish = part.done_reason or self.finish

    def told(self):
        calls = [{"name": call.function.name, "arguments": dict(call.function.arguments)} for call in self.calls]
        return {**told(self.text, calls, self.finish), "raw": [call.model_dump() for call in self.calls]}


def chat(case, say):
    client = ollama.Client(case["url"], timeout=case.get("timeout"))

    def turn(asked):
        gathered = Gathered(say)
        if case["stream"]:
            for part in client.chat(**asked, stream=True):
                gathered.take(part)
        else:
            gathered.take(client.chat(**asked))
        return gathered.told()

    asked = arguments(case)
    first = turn(asked)
    if "result" in case and first["calls"]:
        return {**turn(with_result(asked, first, case)), "calls": first["calls"]}
    return first


async def chat_async(case, say):
    client = ollama.AsyncClient(case["url"], timeout=case.get("timeout"))

    async def turn(asked):
        gathered = Gathered(say)
        if case["stream"]:
            async for part in await client.chat(**asked, stream=True):
                gathered.take(part)
        else:
            gathered.take(await client.chat(**asked))
        return gathered.told()

    asked = arguments(case)
    first = await turn(asked)
    if "result" in case and first["calls"]:
        return {**await turn(with_result(asked, first, case)), "calls": first["calls"]}
    return first


def generate(case, say):
    client = ollama.Client(case["url"], timeout=case.get("timeout"))
    asked = only(model=case.get("model", MODEL), prompt=case["text"], format=SCHEMA if case.get("schema") else None)
    if not case["stream"]:
        answer = client.generate(**asked)
        say(answer.response)
        return told(answer.response, finish=answer.done_reason)
    text, finish = "", None
    for part in client.generate(**asked, stream=True):
        if part.response:
            text += part.response
            say(part.response)
        finish = part.done_reason or finish
    return told(text, finish=finish)


def sync(case, say):
    client = ollama.Client(case["url"], timeout=case.get("timeout"))
    match case.get("do", "chat"):
        case "chat":
            return chat(case, say)
        case "generate":
            return generate(case, say)
        case "list":
            return told(data=[each.model for each in client.list().models])
        case "show":
            return told(data=sorted(client.show(case.get("model", MODEL)).modelinfo or {}))
        case "running":
            return told(data=[each.model for each in client.ps().models])
        case "pull":
            if not case["stream"]:
                return told(data=[client.pull(case.get("model", MODEL)).status])
            return told(data=[part.status for part in client.pull(case.get("model", MODEL), stream=True)])
        case "embed":
            return told(data=client.embed(case.get("model", MODEL), case["text"]).embeddings)
        case "delete":
            return told(data=client.delete(case.get("model", MODEL)).status)


CLIENTS = {"ollama-python": sync, "ollama-python-async": chat_async}
