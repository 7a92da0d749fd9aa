"""LangChain's three: one for each protocol."""

from asked import MODEL, SCHEMA, TOOL, only, told
from langchain_core.messages import HumanMessage, ToolMessage


def model(case):
    name = case.get("model", MODEL)
    match case["client"]:
        case "langchain-ollama":
            from langchain_ollama import ChatOllama

            own = only(timeout=case.get("timeout"))
            return ChatOllama(model=name, base_url=case["url"], client_kwargs=own)
        case "langchain-openai":
            from langchain_openai import ChatOpenAI

            own = only(timeout=case.get("timeout"), max_retries=case.get("retries"))
            return ChatOpenAI(model=name, base_url=case["url"] + "/v1", api_key="none", **own)
        case "langchain-anthropic":
            from langchain_anthropic import ChatAnthropic

            own = only(timeout=case.get("timeout"), max_retries=case.get("retries"))
            return ChatAnthropic(model=name, base_url=case["url"], api_key="none", max_tokens=4096, **own)


def chat(case, say):
    asked = [HumanMessage(case["text"])]
    speaker = model(case)
    if case.get("schema"):
        schema = {"title": "place", "description": "A place", **SCHEMA}
        found = speaker.with_structured_output(schema, include_raw=False, method="json_schema").invoke(asked)
        return told(data=found)
    if case.get("tools"):
        speaker = speaker.bind_tools([TOOL])

    def turn(messages):
        if not case["stream"]:
            answer = speaker.invoke(messages)
            say(answer.text)
            return answer
        whole = None
        for chunk in speaker.stream(messages):
            if chunk.text:
                say(chunk.text)
            whole = chunk if whole is None else whole + chunk
        return whole

    first = turn(asked)
    calls = [{"name": each["name"], "arguments": each["args"]} for each in first.tool_calls]
    if "result" not in case or not calls:
        return told(str(first.text), calls)
    results = [ToolMessage(case["result"], tool_call_id=each["id"]) for each in first.tool_calls]
    return told(str(turn([*asked, first, *results]).text), calls)


CLIENTS = dict.fromkeys(("langchain-ollama", "langchain-openai", "langchain-anthropic"), chat)
