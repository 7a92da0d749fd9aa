"""The official client of OpenAI, unmodified, asks once, however long it takes, and across a restart of the proxy."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from openai_deeds import chat, record, says
from promptqueue.prompt import Status
from servers import Server


def test_a_wait_that_is_longer_than_the_client_s_time_out_is_one_request(serve, client_of, hire_at, until):
    server = serve(PATIENCE=0.1, WHOLE_PATIENCE=0.1)
    worker = hire_at(server.database_url)
    is_long_enough = threading.Event()

    def work():
        claim = until(lambda: worker.queue.claim(worker.terms))
        is_long_enough.wait(30)
        worker.finish(claim, record("one two"))

    thread = threading.Thread(target=work)
    thread.start()
    threading.Timer(4, is_long_enough.set).start()  # the client's time-out and a second
    answer = chat(client_of(server, timeout=3))
    thread.join()

    assert is_long_enough.is_set()
    assert answer.choices[0].message.content == "one two"
    assert len(worker.queue.newest().prompts) == 1


def stopped(server):
    server.stop()


def killed(server):
    for process in (server.process.pid, *server.workers):
        os.kill(process, signal.SIGKILL)
    server.process.wait(10)


@pytest.mark.parametrize(("end", "stream"), [(stopped, False), (killed, True)])
def test_a_chat_survives_a_restart_of_the_proxy(serve, client_of, hire_at, until, end, stream):
    server, answers = serve(), []
    worker = hire_at(server.database_url)
    client = client_of(server, max_retries=10)

    def ask():
        answer = chat(client, stream=stream)
        answers.extend(answer if stream else [answer])

    thread = threading.Thread(target=ask)
    thread.start()
    prompt = until(lambda: worker.queue.newest(status=Status.QUEUED).prompts)[0]
    end(server)
    again = Server("gevent", server.folder, port=server.port)
    try:
        says("one two")(worker, until(lambda: worker.queue.claim(worker.terms)))
        thread.join(60)
    finally:
        again.kill()

    choice = answers[0].choices[0]
    assert (choice.delta if stream else choice.message).content == "one two"
    assert answers[0].id == f"chatcmpl-{prompt.id.replace('-', '')}"
    assert len(worker.queue.newest().prompts) == 1
