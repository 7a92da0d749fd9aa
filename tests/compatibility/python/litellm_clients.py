"""litellm, by each of the protocols."""

import json

import litellm
from asked import MODEL, TOOL, only, told

litellm.suppress_debug_info = True
litellm.drop_params = False
PREFIXES = {"litellm-ollama": "ollama_chat", "litellm-openai": "openai", "litellm-anthropic": "anthropic"}


def chat(case, say):
    name = case["client"]
    own = only(
        timeout=case.get("timeout"), max_retries=case.get("retries"), tools=[TOOL] if case.get("tools") else None
    )
    answer = litellm.completion(
        model=f"{PREFIXES[name]}/{case.get('model', MODEL)}",
        api_base=case["url"] + ("/v1" if name == "litellm-openai" else ""),
        api_key="none",
        messages=[{"role": "user", "content": case["text"]}],
        stream=case["stream"],
        **own,
    )
    if not case["stream"]:
        message = answer.choices[0].message
        say(message.content or "")
        calls = [
            {"name": each.function.name, "arguments": json.loads(each.function.arguments)}
            for each in message.tool_calls or ()
        ]
        return told(message.content or "", calls, answer.choices[0].finish_reason)
    text, finish, calls = "", None, {}
    for chunk in answer:
        for choice in chunk.choices:
            if choice.delta.content:
                text += choice.delta.content
                say(choice.delta.content)
            for call in choice.delta.tool_calls or ():
                known = calls.setdefault(call.index, {"name": "", "arguments": ""})
                known["name"] += call.function.name or ""
                known["arguments"] += call.function.arguments or ""
            finish = choice.finish_reason or finish
    made = [{"name": each["name"], "arguments": json.loads(each["arguments"])} for each in calls.values()]
    return told(text, made, finish)


CLIENTS = dict.fromkeys(PREFIXES, chat)
