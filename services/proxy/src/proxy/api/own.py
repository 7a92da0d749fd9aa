"""What needs a key to be told: an owner's prompts, and what it had of the model; of all owners for an admin."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, request
from promptqueue.prompt import Outcome, Prompt, Status
from promptqueue.wire import prompt_status, usage_body

from proxy.access.asker import Asker, current
from proxy.api import parameters
from proxy.api.bodies import ListedPrompt, PromptList, UsageDays
from proxy.api.envelope import answer
from proxy.errors import NotFound
from proxy.parts import Parts

MOST_LISTED = 200  # prompts of a page
USUALLY_LISTED = 50
MOST_DAYS = 366
USUAL_DAYS = 30


def blueprint(parts: Parts) -> Blueprint:
    """Serve /api/v1/prompts and /api/v1/usage."""
    routes = Blueprint("own", __name__, url_prefix="/api/v1")

    @routes.get("/prompts")
    def prompts() -> Response:
        asker, owner = current(), _owner(parts, current())
        limit = parameters.whole_number("limit", "prompts", MOST_LISTED) or USUALLY_LISTED
        before = parameters.cursor()
        status, outcome = parameters.one_of(Status, "status"), parameters.one_of(Outcome, "outcome")
        since, until = parameters.moment("since"), parameters.moment("until")
        parts.whole_queue.settle()
        found = parts.accounts.listed(
            limit=limit,
            before=before,
            owner=owner,
            status=status,
            outcome=outcome,
            since=since,
            until=until,
            metadata_key=request.args.get("metadata"),
        )
        names = {number: each.name for number, each in parts.accounts.owners().items()}
        body: PromptList = {
            "prompts": [
                _listed(parts, asker, prompt, position, names[prompt.owner]) for prompt, position in found.prompts
            ],
            "next": None if found.next is None else parameters.cursor_text(found.next),
        }
        return answer(body)

    @routes.get("/usage")
    def usage() -> Response:
        owner, days = _owner(parts, current()), parameters.whole_number("days", "days", MOST_DAYS) or USUAL_DAYS
        first = datetime.now(UTC) - timedelta(days=days - 1)
        found = parts.accounts.usage(owner, since=f"{first:%Y-%m-%d}")
        body: UsageDays = {"days": [usage_body(each) for each in found]}
        return answer(body)

    return routes


def _owner(parts: Parts, asker: Asker) -> int | None:
    """Say by number of whom is to be told; None for all. Raises NotFound for one of whom this asker is told nothing."""
    name = request.args.get("owner")
    if name is None:
        return None if asker.oversees else asker.owner.number
    known = parts.accounts.owners().values() if asker.oversees else [asker.owner]
    found = next((owner for owner in known if owner.name == name), None)
    if found is None:
        message = f"No owner has the name {name[:64]!r}, or it is not for this key to see."
        raise NotFound(message, param="owner")
    return found.number


def _listed(parts: Parts, asker: Asker, prompt: Prompt, position: int | None, owner: str) -> ListedPrompt:
    """Write a prompt of a list; an admin sees none of the words that its client has given it."""
    status = prompt_status(prompt, position, parts.estimates.eta(prompt, position))
    if asker.oversees:
        status["metadata"] = None
    return {**status, "priority": prompt.priority, "owner": owner}
