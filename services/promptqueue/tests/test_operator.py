"""The operator's command line: what it does, how it answers people and scripts, how it ends."""

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import promptqueue
import pytest
from click.testing import CliRunner
from promptqueue.connect import connect
from promptqueue.operator.command import ORDER, PROGRAM, Help, commands
from promptqueue.prompt import Answered, Model, ModelState, NewPrompt
from promptqueue.sqlite.engine import sqlite3

SOURCE = str(Path(promptqueue.__file__).parents[1])
NOBODYS_ID = "4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"
ANSWERS_ONE_DOCUMENT = {
    "status": "status",
    "list": "list",
    "show": "show {id}",
    "cancel": "cancel {id}",
    "pause": "pause",
    "resume": "resume",
    "prune": "prune --older-than 7d",
    "backup": "backup {folder}/copy",
    "restore": "restore {folder}/copy",
}


class Done:
    """What a command has said, and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def environ(url):
    return {"PYTHONPATH": SOURCE, "DATABASE_URL": url, "COLUMNS": "100"}


@pytest.fixture
def operate(environ, tmp_path, monkeypatch):
    """Run one command as it is typed; in this process, for a process of its own takes a quarter of a second."""
    monkeypatch.chdir(tmp_path)

    def run(line, **variables):
        result = CliRunner().invoke(commands, shlex.split(line), env=environ | variables, prog_name=PROGRAM)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def finish(queue, ask, terms):
    """Ask and have it answered; its id."""

    def finish_one(text="Why is the sky blue?"):
        prompt_id = ask(text)
        queue.finish(queue.claim(terms), Answered(record={"response": "Rayleigh.", "done": True}, tokens=3))
        return prompt_id

    return finish_one


# ---- status ---------------------------------------------------------------------------------------------------------


def test_status_tells_people_what_the_queue_does(operate, queue, ask, finish, journal, tmp_path):
    finish()
    ask()
    queue.describe_model(Model(name="llama3.2", state=ModelState.READY, processor="gpu"))

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


def test_status_tells_scripts_the_same(operate, queue, ask, finish, journal):
    finish()
    ask()
    queue.pause(True)

    told = operate("status --json").json

    assert (told["queued"], told["processing"], told["completed"], told["paused"]) == (1, 0, 1, True)
    assert (told["workers"], told["slots"], told["model"]) == (1, 1, None)
    assert told["database"]["journal_mode"] == journal
    assert told["database"]["bytes"] > 0


def test_what_a_worker_said_before_it_went_is_not_told(operate, queue, worker):
    queue.describe_model(Model(name="llama3.2", state=ModelState.READY))
    worker.die()

    assert operate("status --json").json["model"] is None
    assert "not known, for no worker is alive to tell" in operate("status").out


def test_the_journal_mode_is_left_as_it_is(operate, queue, journal):
    queue.close()

    operate("status")

    assert operate("status --json").json["database"]["journal_mode"] == journal


# ---- list and show --------------------------------------------------------------------------------------------------


def test_list_pages_through_what_is_wanted(operate, finish):
    ids = [finish() for _ in range(3)]

    first = operate("list --limit 2 --json").json
    second = operate(f"list --limit 2 --before {first['next']} --json").json
    people = operate("list --limit 2").out.splitlines()

    assert [prompt["id"] for prompt in first["prompts"] + second["prompts"]] == ids[::-1]
    assert second["next"] is None
    assert people[0].split() == ["ID", "STATUS", "OUTCOME", "ACCEPTED", "ATTEMPT", "TOKENS"]
    assert people[1].startswith(f"{ids[2]}  completed  succeeded  2023-11-14 22:13:20 UTC  1")
    assert people[-1] == f"more: --before {first['next']}"


def test_list_filters_by_status_and_outcome(operate, queue, ask, finish):
    finish()
    cancelled, waiting = queue.cancel(ask()).id, ask()

    listed = {
        filters: [prompt["id"] for prompt in operate(f"list {filters} --json").json["prompts"]]
        for filters in ("--status queued", "--outcome cancelled", "--status processing")
    }

    assert listed == {"--status queued": [waiting], "--outcome cancelled": [cancelled], "--status processing": []}
    assert operate("list --status processing").out == "No prompts.\n"


def test_neither_list_nor_show_tells_a_text_unless_told(operate, queue, terms, ask):
    prompt_id = ask("SECRET question")
    claim = queue.claim(terms)
    queue.write(claim, "SECRET beginning", offset=0, tokens=2)

    for line in ("list", "list --json", f"show {prompt_id}", f"show {prompt_id} --json", "status", "status --json"):
        assert "SECRET" not in operate(line).out
    assert "SECRET beginning" in operate(f"show {prompt_id} --text").out


def test_show_tells_where_a_prompt_stands(operate, queue, ask, finish):
    done, _, second = finish(), ask(), ask()

    told = operate(f"show {second} --json").json
    people = operate(f"show {done}").out

    assert (told["id"], told["status"], told["position"], told["outcome"]) == (second, "queued", 2, None)
    assert told["created_at"] == "2023-11-14T22:13:20.000Z"
    assert re.search(r"^outcome +succeeded$", people, re.MULTILINE)
    assert "position" not in people


def test_show_tells_the_texts_as_they_are_read(operate, queue, terms):
    chat = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]}
    [asked] = queue.enqueue(NewPrompt(request=chat))
    queue.finish(queue.claim(terms), Answered(record={"message": {"content": "Because."}}, tokens=1))

    people = operate(f"show {asked.prompt.id} --text").out
    told = operate(f"show {asked.prompt.id} --text --json").json

    assert people.endswith("\n\nsystem\nBe brief.\n\nuser\nWhy?\n\nanswer\nBecause.\n")
    assert (told["request"], told["answer"], told["partial"]) == (chat, {"message": {"content": "Because."}}, None)


def test_a_text_cannot_control_the_terminal(operate, finish):
    prompt_id = finish("\x1b]0;owned\x07 \x9b31m line\nnext")

    shown = operate(f"show {prompt_id} --text").out

    assert "\\u001b]0;owned\\u0007 \\u009b31m line\nnext" in shown
    assert "\x1b" not in shown


def test_show_settles_what_is_overdue(operate, url, journal):
    queue = connect(url, journal_mode=journal)
    [asked] = queue.enqueue(NewPrompt(request={}, expires_in=0))

    assert operate(f"show {asked.prompt.id} --json").json["outcome"] == "expired"
    queue.close()


# ---- cancel, pause, resume ------------------------------------------------------------------------------------------


def test_cancel_ends_all_that_are_named(operate, queue, ask, finish):
    done, first, second = finish(), ask(), ask()

    people = operate(f"cancel {first} {done}")
    script = operate(f"cancel {second} --json")

    assert people.code == 0
    assert people.out.splitlines() == [f"{first}  cancelled", f"{done}  was completed: succeeded"]
    assert script.json["prompts"][0]["outcome"] == "cancelled"
    assert queue.counts().queued == 0


def test_cancel_goes_on_past_an_id_that_is_unknown_and_says_so(operate, queue, ask):
    waiting = ask()

    done = operate(f"cancel {NOBODYS_ID} {waiting} --json")

    assert done.code == 1
    assert done.err == f"Error: No prompt has the id {NOBODYS_ID}.\n"
    assert done.json["not_found"] == [NOBODYS_ID]
    assert queue.get(waiting).outcome == "cancelled"


def test_paused_is_accepted_and_not_started_until_resumed(operate, queue, ask, terms):
    paused = operate("pause")
    waiting = ask()
    started = queue.claim(terms)
    resumed = operate("resume --json")

    assert paused.out == "Paused; 0 prompts in line, 0 still running.\n"
    assert started is None
    assert resumed.json == {"paused": False, "queued": 1, "processing": 0}
    assert queue.claim(terms).prompt.id == waiting


# ---- prune, backup, restore -----------------------------------------------------------------------------------------


def test_prune_erases_what_is_older_to_the_last_and_keeps_the_rest(operate, queue, finish, clock):
    for _ in range(3):
        finish()  # by the clock of these tests, years ago
    clock.step_wall(10 * 365 * 86_400)
    young = finish()

    counted = operate("prune --older-than 7d --dry-run --json").json
    erased = operate("prune --older-than 7d")

    assert counted == {"erased": 0, "prunable": 3}
    assert erased.out == "3 prompts erased.\n"
    assert [prompt.id for prompt in queue.newest().prompts] == [young]


def test_what_was_pruned_is_gone_from_the_disk(operate, finish, stored_bytes):
    finish("SECRET question")

    operate("prune --older-than 0s")

    assert b"SECRET" not in stored_bytes()


@pytest.mark.parametrize("age", ["7", "d", "-1d", "7 d", "7y", "1e3d", "NaNd", ""])
def test_an_age_that_is_none_is_not_understood(operate, queue, age):
    done = operate(f"prune --older-than '{age}'")

    assert done.code == 2
    assert "is no age: write a number and s, m, h, d or w, such as 7d." in done.err


def test_a_backup_can_be_restored_and_the_replaced_queue_is_named(operate, queue, ask, tmp_path):
    ask("old")
    made = operate(f"backup {tmp_path}/copy")
    ask("new")
    queue.close()

    restored = operate(f"restore {tmp_path}/copy --json")

    assert made.code == 0
    assert made.out.startswith(f"Copied to {tmp_path}/copy: ")
    assert (restored.code, restored.json["queued"]) == (0, 1)
    assert Path(restored.json["replaced"]).exists()


def test_a_backup_overwrites_only_when_told(operate, queue, tmp_path):
    (tmp_path / "copy").write_text("precious")

    refused = operate(f"backup {tmp_path}/copy --json")
    forced = operate(f"backup --force {tmp_path}/copy")

    assert (refused.code, refused.json["error"]["code"]) == (1, "file_exists")
    assert forced.code == 0


def test_a_queue_in_use_is_not_replaced(operate, queue, ask, tmp_path):
    ask()
    operate(f"backup {tmp_path}/copy")

    refused = operate(f"restore {tmp_path}/copy")

    assert refused.code == 1
    assert refused.err.startswith("Error: The queue is in use: end every proxy and worker first")


def test_progress_is_shown_on_a_terminal_and_kept_from_what_is_answered(queue, ask, environ, tmp_path):
    ask("x" * 3_000_000)
    terminal, theirs = pty.openpty()

    done = subprocess.run(
        [sys.executable, "-m", "promptqueue", "backup", f"{tmp_path}/copy"],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)

    assert "Copying" in shown
    assert "100%" in shown
    assert done.stdout.decode().startswith("Copied to ")


# ---- for scripts, and how it ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ORDER)
def test_with_json_there_is_exactly_one_document_done_or_refused(operate, queue, ask, tmp_path, name):
    prompt_id = ask()
    line = ANSWERS_ONE_DOCUMENT[name].format(id=prompt_id, folder=tmp_path)
    if name == "restore":
        operate(f"backup {tmp_path}/copy")
        queue.close()

    done = operate(f"{line} --json")
    refused = operate(f"{line} --json", DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/queue.db")

    assert (done.code, type(done.json), done.err) == (0, dict, "")
    if name != "restore":  # which brings a queue to where there is none
        assert (refused.code, refused.json["error"]["code"]) == (1, "no_queue")


def test_a_queue_that_is_not_there_is_not_made(operate, tmp_path):
    done = operate("status")

    assert done.code == 1
    assert done.err == (
        f"Error: There is no queue at {tmp_path}/queue.db: name the one you mean with --database-url or DATABASE_URL.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_is_unknown_is_refused_in_a_sentence(operate, queue):
    done = operate(f"show {NOBODYS_ID}")

    assert (done.code, done.out, done.err) == (1, "", "Error: No prompt has this id.\n")


def test_a_damaged_queue_is_told_in_a_sentence(operate, queue, tmp_path):
    queue.close()
    (tmp_path / "queue.db").write_text("my diary, volume one\n" * 1_000)

    done = operate("status")

    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert "python -m promptqueue restore FILE" in done.err


def test_the_option_goes_before_the_variable_and_the_default_is_below_the_working_folder(operate, queue, ask, tmp_path):
    ask()
    (tmp_path / "data").mkdir()
    shutil.copy(tmp_path / "queue.db", tmp_path / "data/queue.db")

    by_option = operate(f"status --json --database-url sqlite:///{tmp_path}/queue.db", DATABASE_URL="sqlite:///x.db")
    by_default = operate("status --json", DATABASE_URL="")

    assert by_option.json["database"]["path"] == f"{tmp_path}/queue.db"
    assert by_default.json["database"]["path"] == "data/queue.db"


def test_a_url_that_names_no_queue_is_not_understood(operate):
    done = operate("status", DATABASE_URL="postgresql://host/queue")

    assert done.code == 2
    assert "DATABASE_URL must look like sqlite:////data/queue.db, got 'postgresql://host/queue'." in done.err


def test_a_process_of_its_own_answers_and_ends_alike(environ, queue, ask):
    waiting = ask()

    done = [
        subprocess.run(
            [sys.executable, "-m", "promptqueue", *shlex.split(line)],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for line in (f"show {waiting} --json", f"show {NOBODYS_ID}", "show")
    ]

    assert [one.returncode for one in done] == [0, 1, 2]
    assert json.loads(done[0].stdout)["id"] == waiting
    assert done[1].stderr == "Error: No prompt has this id.\n"
    assert done[2].stderr.startswith("Usage: python -m promptqueue show [OPTIONS] ID")


# ---- the help -------------------------------------------------------------------------------------------------------


def test_the_help_names_every_command_in_its_order(operate):
    said = operate("--help").out

    listed = re.findall(r"^  (\w+)  +[A-Z].*\.$", said.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(ORDER) == list(ANSWERS_ONE_DOCUMENT)
    assert "docker compose exec worker python -m promptqueue COMMAND" in said
    assert "..." not in said.partition("Commands:")[2]


@pytest.mark.parametrize("name", ORDER)
def test_every_example_of_the_help_can_be_typed(operate, environ, queue, ask, tmp_path, name):
    said, helped = operate(f"{name} --help"), commands.commands[name]
    assert isinstance(helped, Help)
    assert helped.examples
    waiting = ask()
    if name == "restore":
        operate(f"backup {tmp_path}/queue.backup")
        queue.close()

    if not shutil.which("jq"):
        pytest.skip("no jq; on Debian: apt-get install jq")

    for what, arguments in helped.examples:
        typed = f"{PROGRAM} {arguments}"
        assert f"  # {what}\n  {typed}\n" in said.out
        if name != "restore":
            waiting = ask()
        here = typed.replace(NOBODYS_ID, waiting).replace("/var/backups", str(tmp_path)).replace("/data", str(tmp_path))
        if name == "backup" and "--force" not in typed:
            (tmp_path / "queue.backup").unlink(missing_ok=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["bash", "-c", here], env={**os.environ, **environ, "PATH": path}, check=True, timeout=60)


# ---- the price ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["promptqueue", "promptqueue.connect", "promptqueue.sqlite"])
def test_nobody_pays_for_the_command_line_who_does_not_use_it(module):
    program = (
        f"import sys, {module}; print([name for name in ('click', 'promptqueue.operator') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": SOURCE}, capture_output=True, check=True
    )

    assert done.stdout.strip() == b"[]"
