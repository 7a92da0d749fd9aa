"""status, list and show: what is told of the queue and its prompts."""

import re
import time
from contextlib import closing

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import Answered, NewPrompt, Origin, Priority
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.storage import connect

on_both_engines = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


def test_status_tells_people_what_the_queue_does(operate, worker, ask, finish, journal, tmp_path):
    finish()
    ask()
    worker.describe(Model(name="llama3.2", state=ModelState.READY, processor="gpu"))

    done = operate("status")

    said = dict(line.split(None, 1) for line in done.out.splitlines())
    assert (done.code, done.err) == (0, "")
    assert said["queued"].startswith("1, the first for ")
    assert said["completed"].startswith("1, ")
    assert said["paused"] == "no"
    assert said["workers"] == "1 alive with 1 slot"
    assert said["model"] == "llama3.2 is ready on gpu"
    assert said["database"].startswith(f"{tmp_path}/queue.db, ")
    assert said["storage"] == f"sqlite {sqlite3.sqlite_version}, journal mode {journal}"


@pytest.mark.parametrize("engine", ["postgres"])
def test_status_tells_of_a_database_and_shows_no_password(operate, ask, url):
    ask()
    with_password = url.replace("queue@", "queue:SECRET@")

    people, told = operate("status", DATABASE_URL=with_password).out, operate("status --json").json["database"]

    said = dict(line.split(None, 1) for line in people.splitlines())
    assert said["database"].startswith(f"{url.replace('queue@', '…@')}, ")
    assert re.match(r"postgresql \d+\.\d+.*, synchronous commit on", said["storage"])
    assert (told["url"], told["kind"]) == (url.replace("queue@", "…@"), "postgresql")
    assert told["bytes"] > 1_000_000
    assert "SECRET" not in people


@on_both_engines
def test_status_says_why_a_model_cannot_answer_and_when_it_is_tried_again(operate, worker):
    why = "more memory\nis needed \x1b[31m"
    worker.describe(Model(name="llama3.2", state=ModelState.TROUBLED, detail=why, retry_at=time.time() + 500))

    people = operate("status").out

    assert re.search(r"llama3\.2 is troubled: more memory is needed \\u001b\[31m; trying again in \d+ s\n", people)


@on_both_engines
def test_status_tells_people_of_each_server_where_there_are_several_and_scripts_of_any(operate, queue, worker):
    ready = Model(name="llama3.2", state=ModelState.READY)
    worker.describe(ready)
    alone = operate("status").out
    away = Model(name="llama3.2", state=ModelState.UNREACHABLE, detail="refused \x1b[31m")
    queue.describe_model(away, worker=worker.terms.worker, server="http://zzz:11434")

    people, told = operate("status").out, operate("status --json").json["servers"]

    assert re.search("^server", alone, re.MULTILINE) is None
    assert re.findall(r"^server +(\S+): 0 of \d slots? busy; (.*)$", people, re.MULTILINE) == [
        (told[0]["address"], "llama3.2 is ready"),
        ("http://zzz:11434", "llama3.2 is unreachable: refused \\u001b[31m"),
    ]
    assert [(each["state"], each["busy"], each["seconds_per_prompt"]) for each in told] == [
        ("ready", 0, None),
        ("unreachable", 0, None),
    ]


def test_status_tells_scripts_the_same(operate, queue, ask, finish, journal):
    finish()
    ask()
    queue.pause(True)

    told = operate("status --json").json

    assert (told["queued"], told["processing"], told["completed"], told["paused"]) == (1, 0, 1, True)
    assert (told["workers"], told["slots"], told["model"]) == (1, 1, None)
    assert told["database"]["journal_mode"] == journal
    assert told["database"]["bytes"] > 0
    assert told["stored_bytes"] > 0
    assert told["disk_free_bytes"] > 0


def test_status_tells_what_is_stored_and_what_was_left_by_what_was_erased(operate, queue, ask):
    prompt_id = ask("x" * 1_000_000)
    before = operate("status --json").json
    queue.delete(prompt_id)

    after, people = operate("status --json").json, operate("status").out

    assert before["stored_bytes"] - after["stored_bytes"] == after["spare_bytes"] - before["spare_bytes"] > 900_000
    assert re.search(
        r"^stored +0\.\d MB, and 1\.\d MB that erased prompts left; [\d.,]+ MB of the disk are free$",
        people,
        re.MULTILINE,
    )


@on_both_engines
def test_what_a_worker_said_before_it_went_is_not_told(operate, worker):
    worker.describe(Model(name="llama3.2", state=ModelState.READY))
    worker.die()

    assert operate("status --json").json["model"] is None
    assert "not known: no worker is alive" in operate("status").out


def test_whoever_looks_at_a_queue_without_workers_is_told_of_the_demos(operate, queue, worker, tmp_path):
    connect(f"sqlite:///{tmp_path}/demo/queue.db").open().close()
    with_workers = operate("status").out
    worker.die()

    without = operate("status").out

    assert "demo" not in with_workers
    assert (
        f"none; the queue of `make demo` is another one: --database-url sqlite:///{tmp_path}/demo/queue.db" in without
    )


def test_the_journal_mode_is_left_as_it_is(operate, queue, journal):
    queue.close()

    operate("status")

    assert operate("status --json").json["database"]["journal_mode"] == journal


@on_both_engines
def test_list_pages_through_what_is_wanted(operate, finish):
    ids = [finish() for _ in range(3)]

    first = operate("list --limit 2 --json").json
    second = operate(f"list --limit 2 --before {first['next']} --json").json
    people = operate("list --limit 2").out.splitlines()

    assert [prompt["id"] for prompt in first["prompts"] + second["prompts"]] == ids[::-1]
    assert second["next"] is None
    assert people[0].split() == ["ID", "STATUS", "OUTCOME", "ACCEPTED", "ATTEMPT", "TOKENS", "OWNER"]
    assert people[1].startswith(f"{ids[2]}  completed  succeeded  2023-11-14 22:13:20 UTC  1")
    assert people[-1] == f"more: --before {first['next']}"


@on_both_engines
def test_list_filters_by_status_and_outcome(operate, queue, ask, finish):
    finish()
    cancelled, waiting = queue.cancel(ask()).id, ask()

    listed = {
        filters: [prompt["id"] for prompt in operate(f"list {filters} --json").json["prompts"]]
        for filters in ("--status queued", "--outcome cancelled", "--status processing")
    }

    assert listed == {"--status queued": [waiting], "--outcome cancelled": [cancelled], "--status processing": []}
    assert operate("list --status processing").out == "No prompts.\n"


@on_both_engines
def test_list_tells_whose_prompts_they_are_and_filters_by_owner(operate, queue, ask):
    anna = queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number
    annas, everybodys = ask(owner=anna), ask()

    told = {prompt["id"]: prompt["owner"] for prompt in operate("list --json").json["prompts"]}
    listed = operate("list --owner anna").out.splitlines()
    mistyped = operate("list --owner ana")

    assert told == {annas: "anna", everybodys: "everybody"}
    assert [(line.split()[0], line.split()[-1]) for line in listed[1:]] == [(annas, "anna")]
    assert (mistyped.code, mistyped.out) == (1, "")
    assert mistyped.err == "Error: No owner has the name ana; python -m promptqueue owners lists them.\n"


@on_both_engines
def test_status_tells_who_wait_and_have_something_running(operate, queue, ask, terms):
    assert re.search("^owners", operate("status").out, re.MULTILINE) is None
    anna = queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number
    for _ in range(2):
        ask(owner=anna)
    ask(owner=anna, priority=Priority.BATCH)
    queue.claim(terms)
    ask()

    people, told = operate("status").out, operate("status --json").json["turns"]

    assert re.search("^owners +everybody 1 waiting, 0 running; anna 2 waiting, 1 running$", people, re.MULTILINE)
    assert [(turn["owner"], turn["lane"], turn["waiting"], turn["running"]) for turn in told] == [
        ("everybody", "interactive", 1, 0),
        ("anna", "interactive", 1, 1),
        ("anna", "batch", 1, 0),
    ]


@on_both_engines
def test_neither_list_nor_show_tells_a_text_unless_told(operate, queue, terms, ask):
    prompt_id = ask("SECRET question")
    claim = queue.claim(terms)
    queue.write(claim, "SECRET beginning", offset=0, tokens=2)

    for line in ("list", "list --json", f"show {prompt_id}", f"show {prompt_id} --json", "status", "status --json"):
        assert "SECRET" not in operate(line).out
    assert "SECRET beginning" in operate(f"show {prompt_id} --text").out


@on_both_engines
def test_show_tells_where_a_prompt_stands(operate, queue, ask, finish):
    done, _, second = finish(), ask(), ask()

    told = operate(f"show {second} --json").json
    people = operate(f"show {done}").out

    assert (told["id"], told["status"], told["position"], told["outcome"]) == (second, "queued", 2, None)
    assert told["created_at"] == "2023-11-14T22:13:20.000Z"
    assert re.search(r"^outcome +succeeded$", people, re.MULTILINE)
    assert "position" not in people


@on_both_engines
def test_show_tells_the_texts_as_they_are_read(operate, queue, terms):
    chat = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]}
    [asked] = queue.enqueue(NewPrompt(request=chat))
    queue.finish(queue.claim(terms), Answered(record={"message": {"content": "Because."}}, tokens=1))

    people = operate(f"show {asked.prompt.id} --text").out
    told = operate(f"show {asked.prompt.id} --text --json").json

    assert people.endswith("\n\nsystem\nBe brief.\n\nuser\nWhy?\n\nanswer\nBecause.\n")
    assert (told["request"], told["answer"], told["partial"]) == (chat, {"message": {"content": "Because."}}, None)


@on_both_engines
def test_a_text_cannot_control_the_terminal(operate, finish):
    prompt_id = finish("\x1b]0;owned\x07 \x9b31m line\nnext")

    shown = operate(f"show {prompt_id} --text").out

    assert "\\u001b]0;owned\\u0007 \\u009b31m line\nnext" in shown
    assert "\x1b" not in shown


@on_both_engines
def test_show_tells_by_which_protocol_a_prompt_came_and_nothing_of_what_it_repeats(operate, ask):
    plain, faced = ask(), ask(origin=Origin(face="openai.chat", echo={"user": "SECRET"}))

    told = [operate(f"show {prompt_id} --json").json["face"] for prompt_id in (plain, faced)]
    people = [operate(f"show {prompt_id}").out for prompt_id in (plain, faced)]

    assert told == [None, "openai.chat"]
    assert re.search(r"^face +openai\.chat$", people[1], re.MULTILINE)
    assert "face" not in people[0]
    assert "SECRET" not in people[1] + operate(f"show {faced} --json").out


@on_both_engines
def test_show_settles_what_is_overdue(operate, url, journal):
    with closing(connect(url, journal_mode=journal)) as storage, closing(storage.open()) as queue:
        [asked] = queue.enqueue(NewPrompt(request={}, expires_in=0))

        assert operate(f"show {asked.prompt.id} --json").json["outcome"] == "expired"
