"""Runs cases with clients of Python: reads them from its standard input, one JSON a line, and tells what came.

Lines that it writes: `{"id", "piece"}` for each piece of text, and `{"id", "end"}` once the case is over, with `text`,
`calls`, `finish`, `data`, or with `error`. `{"id", "leave"}` gives up a case, where its client is asynchronous.
"""

import asyncio
import importlib
import inspect
import json
import sys
import threading

MODULES = {
    "ollama": "ollama_clients",
    "openai": "openai_clients",
    "anthropic": "anthropic_clients",
    "langchain": "langchain_clients",
    "llamaindex": "llamaindex_clients",
    "llm": "llm_clients",
    "litellm": "litellm_clients",
}
"""By the first part of a client's name."""

LINES, sys.stdout = sys.stdout, sys.stderr  # what a client has to say to people does not stand among the lines


class Runner:
    """Runs any number of cases at once: a thread each, or a task each on one loop."""

    def __init__(self):
        self._writing = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._tasks = {}
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def take(self, case):
        if case.get("leave"):
            self._loop.call_soon_threadsafe(self._leave, case["id"])
            return
        threading.Thread(target=self._run, args=[case], daemon=True).start()

    def _leave(self, number):
        if task := self._tasks.get(number):
            task.cancel()

    def _run(self, case):
        def say(piece):
            self._write({"id": case["id"], "piece": piece})

        try:
            module = importlib.import_module(MODULES[case["client"].partition("-")[0]])
            asked = module.CLIENTS[case["client"]](case, say)
            end = self._awaited(case["id"], asked) if inspect.isawaitable(asked) else asked
        except BaseException as error:  # whatever a client raises is what is looked for
            end = {"error": described(error)}
        self._write({"id": case["id"], "end": end})

    def _awaited(self, number, asked):
        async def kept():
            self._tasks[number] = asyncio.current_task()
            return await asked

        return asyncio.run_coroutine_threadsafe(kept(), self._loop).result()

    def _write(self, line):
        with self._writing:
            print(json.dumps(line), file=LINES, flush=True)


def described(error):
    status = getattr(error, "status_code", None)
    return {"kind": type(error).__name__, "status": status, "message": str(error)[:2000]}


runner = Runner()
for name in sys.argv[1:]:
    importlib.import_module(MODULES[name])
print(json.dumps({"ready": True}), file=LINES, flush=True)
for line in sys.stdin:
    runner.take(json.loads(line))
