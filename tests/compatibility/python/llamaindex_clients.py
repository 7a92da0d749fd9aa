"""LlamaIndex."""

from asked import MODEL, only, told
from llama_index.core.llms import ChatMessage
from llama_index.llms.ollama import Ollama


def chat(case, say):
    own = only(request_timeout=case.get("timeout", 60.0), context_window=case.get("window"))
    speaker = Ollama(model=case.get("model", MODEL), base_url=case["url"], **own)
    asked = [ChatMessage(role="user", content=case["text"])]
    if not case["stream"]:
        text = speaker.chat(asked).message.content or ""
        say(text)
        return told(text)
    text = ""
    for part in speaker.stream_chat(asked):
        if part.delta:
            text += part.delta
            say(part.delta)
    return told(text)


CLIENTS = {"llamaindex": chat}
