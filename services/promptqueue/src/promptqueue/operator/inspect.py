"""The commands that only read: status, list, show."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from promptqueue.condition import Room, Server, Workers
from promptqueue.operator import text
from promptqueue.operator.command import Call, Reply, command
from promptqueue.operator.owners import owner_named
from promptqueue.owners.deed import Act
from promptqueue.owners.turn import Turn
from promptqueue.prompt import Outcome, Prompt, Status, Wanted
from promptqueue.queue import PromptQueue
from promptqueue.settings import without_secrets
from promptqueue.wire import model_body, model_words, prompt_record, server_body, text_of


@command(("what the queue does right now", "status"), ("how many wait, in a script", "status --json | jq .queued"))
def status(call: Call) -> Reply:
    """Show what the queue does: what waits, who works, what is stored."""
    with call.queue() as queue:
        counts, workers, model, storage = queue.counts(), queue.workers(), queue.model(), call.storage.describe()
        room, turns, servers, moved = queue.room(), queue.turns(), queue.servers(), _moved_to(queue)
    model = model if workers.count else None  # what a worker said before it went no longer holds
    waiting = counts.oldest_wait_seconds
    unknown = "not known yet" if workers.count else "not known: no worker is alive"
    return Reply(
        document={
            "queued": counts.queued,
            "processing": counts.processing,
            "completed": counts.completed,
            "oldest_wait_seconds": None if waiting is None else round(waiting, 1),
            "completed_per_minute": counts.completed_per_minute,
            "paused": counts.paused,
            "moved_to": moved,
            "turns": [asdict(turn) for turn in turns],
            "workers": workers.count,
            "slots": workers.slots,
            "model": model and model_body(model),
            "servers": [server_body(each) for each in servers],
            "stored_bytes": room.stored_bytes,
            "spare_bytes": room.spare_bytes,
            "disk_free_bytes": room.disk_free_bytes,
            "database": {
                **_place(call),
                "bytes": room.file_bytes,
                "journal_bytes": room.journal_bytes,
                **storage,
            },
        },
        words=text.pairs(
            ("queued", f"{counts.queued:,}" + (f", the first for {text.duration(waiting)}" if waiting else "")),
            ("processing", f"{counts.processing:,}"),
            ("completed", f"{counts.completed:,}, {counts.completed_per_minute:,} answered in the last minute"),
            ("owners", _owners_words(turns)),
            ("paused", "yes: prompts are accepted and wait" if counts.paused else "no"),
            ("moved", moved and f"to {text.harmless(moved)}: what is accepted here stays here"),
            ("workers", _workers_words(workers, call.file.demo() if call.file else None)),
            ("model", text.harmless(model_words(model)) if model else unknown),
            *(("server", _server_words(each)) for each in servers if len(servers) > 1),
            ("stored", _room_words(room)),
            ("database", f"{_place_words(call)}, {_size_words(room)}"),
            ("storage", _storage_words(storage)),
        ),
    )


@command(
    ("the newest prompts", "list"),
    ("what failed lately", "list --outcome failed --limit 5"),
    ("what came without a key", "list --owner everybody"),
    ("the page after one that ended with `more: --before 1234`", "list --before 1234"),
    (
        "the ids of all that wait, at most a thousand",
        "list --status queued --limit 1000 --json | jq -r '.prompts[].id'",
    ),
)
@click.option("--status", type=click.Choice([each.value for each in Status]), help="Only those that stand there.")
@click.option("--outcome", type=click.Choice([each.value for each in Outcome]), help="Only those that ended so.")
@click.option("--owner", metavar="NAME", help="Only this owner's.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@click.option(
    "--before", type=click.IntRange(0, 2**63 - 1), metavar="CURSOR", help="Where the page before this one ended."
)
def list_(call: Call, limit: int, before: int | None, **wanted: str | None) -> Reply:
    """List prompts, the last accepted first.

    Their texts are somebody's own and are not listed.
    """
    with call.queue() as queue:
        names = {each.number: each.name for each in queue.owners()}
        page = queue.newest(limit=limit, before=before, **_wanted(queue, **wanted))
    shown = text.table(
        ("ID", "STATUS", "OUTCOME", "ACCEPTED", "ATTEMPT", "TOKENS", "OWNER"),
        [(*_row(prompt), text.harmless(names[prompt.owner])) for prompt in page.prompts],
    )
    more = "" if page.next is None else f"\nmore: --before {page.next}"
    return Reply(
        document={
            "prompts": [{**prompt_record(prompt), "owner": names[prompt.owner]} for prompt in page.prompts],
            "next": page.next,
        },
        words=shown + more if page.prompts else "No prompts.",
    )


@command(
    ("where a prompt stands", "show 4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"),
    ("what was asked and answered as well", "show 4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11 --text"),
)
@click.argument("prompt_id", metavar="ID")
@click.option("--text", "with_text", is_flag=True, help="Show what was asked and answered as well.")
def show(call: Call, prompt_id: str, with_text: bool) -> Reply:
    """Show where a prompt stands.

    Its texts are shown with --text alone: they are somebody's own.
    """
    with call.queue() as queue:
        prompt = queue.get(prompt_id)
        if prompt.overdue:
            prompt = queue.settle(prompt_id)
        position = queue.position(prompt_id)
        origin = queue.origin(prompt_id)
        face = None if origin is None else origin.face
        texts: dict[str, Any] = {}
        if with_text:
            request, answer = queue.request(prompt_id), queue.answer(prompt_id)
            texts = {"request": request, "answer": answer, "partial": queue.partial(prompt_id) or None}
    return Reply(
        document={**prompt_record(prompt), "position": position, "face": face, **texts},
        words=text.pairs(
            ("id", prompt.id),
            ("status", prompt.status),
            ("outcome", prompt.outcome),
            ("position", None if position is None else f"{position:,}"),
            ("priority", prompt.priority),
            ("face", None if face is None else text.harmless(face)),
            ("attempt", f"{prompt.attempt}, {text.count(prompt.failures, 'failure')}"),
            ("tokens", None if prompt.tokens is None else f"{prompt.tokens:,}"),
            ("accepted", text.when(prompt.created_at)),
            ("started", text.when(prompt.started_at)),
            ("completed", text.when(prompt.completed_at)),
            ("error", text.harmless(f"{prompt.error.code}: {prompt.error.message}") if prompt.error else None),
            ("put back", None if prompt.last_error is None else text.harmless(prompt.last_error)),
            ("metadata", None if prompt.metadata is None else json.dumps(prompt.metadata)),
        )
        + "".join(f"\n\n{name}\n{text.harmless(content)}" for name, content in _texts(texts)),
    )


def _wanted(queue: PromptQueue, *, status: str | None, outcome: str | None, owner: str | None) -> Wanted:
    return {
        "status": Status(status) if status else None,
        "outcome": Outcome(outcome) if outcome else None,
        "owner": None if owner is None else owner_named(queue, owner).number,
    }


def _row(prompt: Prompt) -> tuple[str, ...]:
    tokens = "" if prompt.tokens is None else f"{prompt.tokens:,}"
    accepted = text.when(prompt.created_at) or ""
    return (prompt.id, prompt.status, prompt.outcome or "", accepted, str(prompt.attempt), tokens)


def _texts(texts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the texts with their names, as people read them: a request's or answer's own text, not its JSON."""
    found = []
    if "request" in texts and texts["request"] is None:
        found.append(("prompt", "It never ran, and its text was erased."))
    if request := texts.get("request"):
        found += [(name, request[name]) for name in ("system", "prompt") if name in request]
        found += [(message["role"], message.get("content", "")) for message in request.get("messages", ())]
    if answer := texts.get("answer"):
        found.append(("answer", text_of(answer)))
    elif partial := texts.get("partial"):
        found.append(("partial answer", partial))
    return found


def _moved_to(queue: PromptQueue) -> str | None:
    """Say where the queue has gone, if nothing was done with this one since."""
    last = queue.deeds(limit=1)
    return last[0].to if last and last[0].what == Act.MOVED_AWAY else None


def _place(call: Call) -> dict[str, str]:
    return {"path": str(call.file.path)} if call.file else {"url": without_secrets(call.url)}


def _place_words(call: Call) -> str:
    return str(call.file.path.absolute()) if call.file else without_secrets(call.url)


def _size_words(room: Room) -> str:
    journal = f" and {text.size(room.journal_bytes)} of journal" if room.journal_bytes else ""
    return f"{text.size(room.file_bytes)}{journal}"


def _storage_words(storage: Mapping[str, str]) -> str:
    """Say what keeps the queue: its kind and version, then whatever else it tells of itself."""
    rest = [f"{name.replace('_', ' ')} {value}" for name, value in storage.items() if name not in ("kind", "version")]
    return ", ".join([f"{storage['kind']} {storage['version']}", *rest])


def _owners_words(turns: Sequence[Turn]) -> str | None:
    """Say who wait or have something running; None while nobody does."""
    waiting, running = Counter[str](), Counter[str]()
    for turn in turns:
        waiting[turn.owner] += turn.waiting
        running[turn.owner] += turn.running
    said = [f"{text.harmless(owner)} {waiting[owner]:,} waiting, {running[owner]:,} running" for owner in waiting]
    return "; ".join(said) or None


def _workers_words(workers: Workers, demo: str | None) -> str:
    if workers.count:
        return f"{workers.count} alive with {text.count(workers.slots, 'slot')}"
    return f"none; the queue of `make demo` is another one: --database-url {demo}" if demo else "none"


def _server_words(server: Server) -> str:
    pace = "" if server.seconds_per_prompt is None else f", {text.duration(server.seconds_per_prompt)} a prompt"
    busy = f"{server.busy} of {text.count(server.slots, 'slot')} busy{pace}"
    return text.harmless(f"{server.address}: {busy}; {model_words(server.model)}")


def _room_words(room: Room) -> str:
    spare = f", and {text.size(room.spare_bytes)} that erased prompts left" if room.spare_bytes else ""
    free = "" if room.disk_free_bytes is None else f"; {text.size(room.disk_free_bytes)} of the disk are free"
    return f"{text.size(room.stored_bytes)}{spare}{free}"
