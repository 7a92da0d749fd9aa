"""Whatever /openapi.json describes, and what it forbids, asked of a real server: it answers as it says, and never 5xx.

Once while nobody needs a key, and once with an admin's. The same requests each time; `make conformance` asks for more.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing
from copy import deepcopy
from uuid import UUID

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promptqueue import connect
from promptqueue.condition import DEFAULT_MODEL, Model, ModelState
from promptqueue.owners.key import Role, new_key
from promptqueue.owners.owner import EVERYBODY
from promptqueue.prompt import Answered, ErrorCode, Failed, NewPrompt, Terms
from proxy.api.openapi.document import document
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from support.waiting import until

EXAMPLES = int(os.environ.get("EXAMPLES", "30"))  # for each operation, and as many that it forbids
LONGEST_WAIT = 0.1  # seconds; whoever waits longer hears nothing else
RECORD = {"model": DEFAULT_MODEL, "response": "Rayleigh.", "done": True, "done_reason": "stop"}

ENDED = ("succeeded", "failed", "cancelled", "expired")
EVERYWHERE = ("unknown", "deleted", *ENDED, "queued", "processing")
FOLLOWED = EVERYWHERE[:-2]  # a stream of what has not ended does not end; services/proxy/tests/events/ follows those
CHANGING = ("cancel", "retry", "delete")  # what was asked before must not be what is asked next

UNSAYABLE = ("format", "metadata", "messages")
"""Fields with a rule that no schema can say: be a schema yourself, be short, let the user have the last word.

Nor can it say that no name and no text may hold U+0000, however deep they lie in what is handed on to the model.
"""

DOCUMENT = deepcopy(document(DEFAULT_MODEL))
NEEDING_A_KEY = [
    each["operationId"]
    for path in DOCUMENT["paths"].values()
    for each in path.values()
    if each.pop("security", None) == [{"key": []}]  # the session sends the key, or none
]
SPECIFICATION = schemathesis.openapi.from_dict(
    DOCUMENT,
    # Undeclared parameters of a query are ignored, as those of any page that is linked to with a campaign's name.
    config=SchemathesisConfig.from_dict(
        {
            "generation": {"mode": "all", "allow-extra-parameters": False},
            "checks": {
                # An unknown id, a key that was used for something else and an answer that is lost are no bad requests.
                "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "410"]},
                "negative_data_rejection": {"expected-statuses": ["400", "404", "405", "414", "422"]},
            },
        }
    ),
)
OPERATIONS = {each.ok().definition.raw["operationId"]: each.ok() for each in SPECIFICATION.get_all_operations()}
FORBIDDING = [name for name, each in OPERATIONS.items() if each.body or each.path_parameters or each.query]


class Pool:
    """An owner's prompts that stand wherever a prompt can stand, and a worker who has seen to that."""

    def __init__(self, url, *, has_key):
        storage = connect(url)
        self._queue = storage.open()
        self._presence = storage.register(slots=1)
        self._terms = Terms(worker=self._presence.id)
        model = Model(name=DEFAULT_MODEL, state=ModelState.READY, processor="cpu")
        self._queue.describe_model(model, worker=self._presence.id, server="http://ollama:11434")
        self._made = {}
        self.headers, self._owner = {}, EVERYBODY
        if has_key:
            key = new_key()
            self._owner = self._queue.add_key(key, owner="olga", role=Role.ADMIN).owner.number
            self._queue.limit_owner(
                "olga", dict.fromkeys(("waiting", "stored_bytes", "requests_a_second"), 1_000_000_000)
            )
            self.headers = {"Authorization": f"Bearer {key.secret}"}

    def close(self):
        self._presence.leave()
        self._queue.close()

    def one(self, stand, *, anew):
        """Give the id of a prompt that stands so."""
        if anew or stand not in self._made:
            self._made[stand] = self._make(stand)
        return self._made[stand]

    def _make(self, stand):
        expires_in = 0.001 if stand == "expired" else None
        new = NewPrompt(request={"prompt": "Why?"}, expires_in=expires_in, owner=self._owner)
        prompt_id = self._queue.enqueue(new)[0].prompt.id
        self._queue.pause(False)  # which an admin may have been
        match stand:
            case "deleted":
                self._queue.delete(prompt_id)
            case "cancelled":
                self._queue.cancel(prompt_id)
            case "processing" | "succeeded" | "failed":  # whichever is next in line
                claim = self._queue.claim(self._terms)
                prompt_id = claim.prompt.id
                if stand == "succeeded":
                    self._queue.finish(claim, Answered(record=RECORD, tokens=3))
                if stand == "failed":
                    self._queue.write(claim, "Ray", offset=0, tokens=1)
                    self._queue.finish(claim, Failed(cause="It refused.", code=ErrorCode.MODEL_REFUSED))
        return prompt_id


@pytest.fixture(scope="module")
def server(serve_all, has_key):  # one for each
    return serve_all(MAX_QUEUE_DEPTH=10_000_000)


@pytest.fixture(scope="module", params=[False, True], ids=["without keys", "with a key"])
def has_key(request):
    return request.param


@pytest.fixture(scope="module")
def pool(server, has_key):
    with closing(Pool(server.database_url, has_key=has_key)) as pool:
        until(lambda: server.get("/api/v1/queue").status == (401 if has_key else 200))  # every process knows of the key
        yield pool


@pytest.fixture(scope="module")
def asked(server):
    """What was answered, counted: told at the end, where `make conformance` shows it."""
    counted = Counter()
    yield counted
    for (name, mode), count in sorted(Counter((name, mode) for name, mode, _ in counted.elements()).items()):
        statuses = ", ".join(f"{status} × {n}" for (*of, status), n in sorted(counted.items()) if of == [name, mode])
        print(f"\n{name}, {mode}: {count} requests: {statuses}", end="")  # noqa: T201 (shown by pytest -s)
    print(f"\n{counted.total()} requests in all")  # noqa: T201
    assert server.traceback == ""


@pytest.fixture
def ask(server, pool, asked, has_key):
    """Ask for an operation as its specification allows, or as it forbids, and hold each answer to it."""

    def ask(name, mode):
        stands = st.sampled_from(FOLLOWED if name.startswith("events") else EVERYWHERE)

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=OPERATIONS[name].as_strategy(mode), stands=st.lists(stands, min_size=1, max_size=3))
        def each(case, stands):
            about(case, [pool.one(stand, anew=name in CHANGING) for stand in stands if stand != "unknown"])
            response = case.call(base_url=f"http://127.0.0.1:{server.port}", session=session, timeout=30)
            asked[name, mode.value, response.status_code] += 1
            case.validate_response(response, excluded_checks=list(out_of_place(name, response, has_key=has_key)))

        with requests.Session() as session:
            session.headers.update(pool.headers)
            each()

    return ask


def out_of_place(name, response, *, has_key):
    """The checks that ask for what a specification cannot say."""
    if name == "submit" and response.status_code == 400 and is_unsayable(response.json()["error"]):
        yield from CHECKS.get_by_names(["positive_data_acceptance"])
    if name in NEEDING_A_KEY and response.status_code == 401 and not has_key:
        yield from CHECKS.get_by_names(["positive_data_acceptance", "negative_data_rejection"])
    if name.startswith("events"):  # a stream of events has a schema for its text, and is compared as objects
        yield from CHECKS.get_by_names(["response_schema_conformance"])


def is_unsayable(error):
    return (error["param"] or "").split(".")[0] in UNSAYABLE or "U+0000" in error["message"]


def about(case, prompt_ids):
    """Have a request ask about these prompts, where it asks about any, and not wait for long."""
    if prompt_ids and is_id(case.path_parameters.get("prompt_id")):
        case.path_parameters["prompt_id"] = prompt_ids[0]
    several = case.query.get("id")
    if prompt_ids and isinstance(several, list) and all(map(is_id, several)):
        case.query["id"] = (prompt_ids + several)[: len(several)] if len(several) % 2 else prompt_ids
    wait = case.query.get("wait")
    if isinstance(wait, int | float) and wait > LONGEST_WAIT and wait <= 60:
        case.query["wait"] = LONGEST_WAIT


def is_id(value):
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_specification_allows_is_answered_as_it_says(ask, name):
    ask(name, GenerationMode.POSITIVE)


@pytest.mark.parametrize("name", FORBIDDING)
def test_what_the_specification_forbids_is_refused_as_it_says(ask, name):
    ask(name, GenerationMode.NEGATIVE)
