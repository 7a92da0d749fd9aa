"""A worker of the last release that is still open while this one migrates its database: it ends what it has begun."""

import pytest
from e2e import released
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import NewPrompt
from promptqueue.storage import connect

from services.promptqueue.tests.sqlite.backend import SQLiteBackend

OLDER_WORKER = """
import sys
sys.path.insert(0, sys.argv[3])
from promptqueue import connect
from promptqueue.prompt import Answered, NewPrompt, Terms

queue = connect(sys.argv[1], journal_mode=sys.argv[2])
presence = queue.register(slots=1)
accepted = queue.enqueue(*[NewPrompt(request={"prompt": "Why?"})] * 4)
terms, answered = Terms(worker=presence.id), Answered(record={"response": "Rayleigh."}, tokens=1)
claim = queue.claim(terms)
print(*[one.prompt.id for one in accepted], flush=True)
for _ in range(2):
    input()
    print(queue.finish(claim, answered).outcome, flush=True)
    claim = queue.claim(terms)
    print(claim.prompt.id, flush=True)
"""

if why_not := released.missing():
    pytest.skip(why_not, allow_module_level=True)


def test_it_finishes_claims_and_is_charged_for_what_it_claims(run, tmp_path, url, journal):
    older = run(OLDER_WORKER, released.unpack(tmp_path / "released") / "services/promptqueue/src")
    held, second, third, fourth = older.read().split()

    queue = connect(url, journal_mode=journal).open()
    anna = queue.add_key(new_key(), owner="anna", role=Role.USER).owner
    older.say()
    assert (older.read(), older.read()) == ("succeeded", second)
    [asked] = queue.enqueue(NewPrompt(request={"prompt": "Why not?"}, owner=anna.number))

    assert queue.get(held).outcome == "succeeded"
    assert asked.position == 1, "whom the older worker served has had a turn"
    assert [queue.position(each) for each in (third, fourth)] == [2, 3]
    older.say()
    assert (older.read(), older.read()) == ("succeeded", third), "it takes the oldest"
    assert [(turn.owner, turn.waiting, turn.running) for turn in queue.turns()] == [("everybody", 1, 1), ("anna", 1, 0)]
    SQLiteBackend().check(queue)
    queue.close()
