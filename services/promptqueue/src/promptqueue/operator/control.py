"""The commands that control what runs: cancel, pause, resume."""

import click

from promptqueue.errors import PromptNotFound
from promptqueue.operator import text
from promptqueue.operator.audit import record
from promptqueue.operator.command import Call, Reply, asks_back, command
from promptqueue.owners.deed import Act
from promptqueue.prompt import Outcome, Prompt, Status
from promptqueue.queue import PromptQueue
from promptqueue.wire import prompt_record


@command(
    ("end a prompt, waiting or running", "cancel 4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"),
    ("end all that wait", "cancel $(python -m promptqueue list --status queued --json | jq -r '.prompts[].id')"),
)
@click.argument("prompt_ids", metavar="ID...", nargs=-1, required=True)
@asks_back
def cancel(call: Call, prompt_ids: tuple[str, ...]) -> Reply:
    """End prompts for good.

    Those that are completed already stay as they are. The call of a running one is closed within a second.
    """
    prompts, missing = [], []
    if len(prompt_ids) > 1:
        call.ask_back(f"End {text.count(len(prompt_ids), 'prompt')} for good?")
    with call.queue() as queue:
        for prompt_id in prompt_ids:
            try:
                prompts.append(_cancel(queue, prompt_id))
            except PromptNotFound:
                missing.append(prompt_id)
    return Reply(
        document={"prompts": [prompt_record(prompt) for prompt in prompts], "not_found": missing},
        words="\n".join(
            f"{prompt.id}  {'cancelled' if prompt.outcome is Outcome.CANCELLED else f'was completed: {prompt.outcome}'}"
            for prompt in prompts
        ),
        refusal=f"No prompt has the id {', '.join(missing)}." if missing else None,
    )


def _cancel(queue: PromptQueue, prompt_id: str) -> Prompt:
    with queue.transaction():
        is_over = queue.get(prompt_id).status is Status.COMPLETED
        prompt = queue.cancel(prompt_id)
        if not is_over:
            record(queue, Act.CANCELLED, prompt_id)
    return prompt


@command(("start no prompt until `resume`", "pause"))
def pause(call: Call) -> Reply:
    """Start no more prompts.

    They are accepted and wait; what runs already may finish; the page says that the queue is paused.
    """
    return _set_paused(call, True)


@command(("go on", "resume"))
def resume(call: Call) -> Reply:
    """Start prompts again.

    A worker that is idle starts the first in line at once.
    """
    return _set_paused(call, False)


def _set_paused(call: Call, paused: bool) -> Reply:
    with call.queue() as queue:
        with queue.transaction():
            queue.pause(paused)
            record(queue, Act.PAUSED if paused else Act.RESUMED)
        counts = queue.counts()
    waiting = text.count(counts.queued, "prompt")
    return Reply(
        document={"paused": counts.paused, "queued": counts.queued, "processing": counts.processing},
        words=f"Paused; {waiting} in line, {counts.processing:,} still running."
        if paused
        else f"Resumed; {waiting} in line.",
    )
