"""The makers' own clients across a restart of the proxy: they ask again by themselves, and find their prompts."""

import os
import signal
import threading

import anthropic
import openai
import pytest
from servers import Server

HOW = {"api_key": "none", "max_retries": 5, "timeout": 60}
CLIENTS = {
    "openai": lambda url: openai.OpenAI(base_url=f"{url}/v1", **HOW).chat.completions,
    "anthropic": lambda url: anthropic.Anthropic(base_url=url, **HOW).messages,
}
TEXTS = {
    "openai": lambda answer: answer.choices[0].message.content,
    "anthropic": lambda answer: answer.content[0].text,
}
RECORD = {"model": "llama3.2", "message": {"role": "assistant", "content": "Rayleigh."}, "done": True}


def killed(server):
    for pid in [server.process.pid, *server.workers]:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(10)


@pytest.mark.parametrize("name", list(CLIENTS))
@pytest.mark.parametrize("whole_patience", [200, 0.1], ids=["in silence", "with blanks"])
@pytest.mark.parametrize("end", [Server.stop, killed])
def test_a_call_outlives_the_process_that_held_it(serve, queue_at, hire_at, in_line, until, name, whole_patience, end):
    server = serve(WHOLE_PATIENCE=whole_patience, PATIENCE=0.1)
    queue, answers = queue_at(server.database_url), []
    question = {"role": "user", "content": "Why?"}
    client = CLIENTS[name](server.url)
    ask = threading.Thread(
        target=lambda: answers.append(client.create(model="llama3.2", max_tokens=5, messages=[question]))
    )
    ask.start()
    [prompt] = in_line(queue)
    holder = queue.origin(prompt.id).holder

    end(server)
    serve(port=server.port, DATABASE_URL=server.database_url)

    until(lambda: queue.origin(prompt.id).holder not in (holder, None))
    hire_at(server.database_url).answer(RECORD)
    ask.join()
    assert [TEXTS[name](answer) for answer in answers] == ["Rayleigh."]
    assert len(queue.newest().prompts) == 1
