"""How a command answers people and scripts, how it ends, and what it costs whoever does not use it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from promptqueue.operator import command
from promptqueue.operator.command import ORDER
from promptqueue.owners.key import Role, new_key
from promptqueue.storage import connect

NOBODYS_ID = "4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"
ANSWERS_ONE_DOCUMENT = {
    "status": "status",
    "list": "list",
    "show": "show {id}",
    "cancel": "cancel {id}",
    "retry": "retry {id}",
    "pause": "pause",
    "resume": "resume",
    "keys": "keys list",
    "keys add": "keys add anna",
    "keys revoke": "keys revoke {key}",
    "keys limit": "keys limit anna --waiting 5",
    "keys open": "keys open",
    "owners": "owners",
    "usage": "usage",
    "audit": "audit",
    "prune": "prune --older-than 7d",
    "compact": "compact",
    "backup": "backup {folder}/copy",
    "restore": "restore {folder}/copy",
    "migrate": "migrate sqlite:///{folder}/queue.db sqlite:///{folder}/moved/queue.db",
}
WITH_NOBODY_ELSE = ("restore", "migrate")


@pytest.mark.parametrize("name", dict.fromkeys([*ORDER, *ANSWERS_ONE_DOCUMENT]))
def test_with_json_there_is_exactly_one_document_done_or_refused(operate, queue, ask, tmp_path, name):
    prompt_id, key = ask(), queue.add_key(new_key(), owner="anna", role=Role.USER)
    line = ANSWERS_ONE_DOCUMENT[name].format(id=prompt_id, folder=tmp_path, key=key.name)
    if name == "restore":
        operate(f"backup {tmp_path}/copy")
    if name in WITH_NOBODY_ELSE:
        queue.close()

    done = operate(f"{line} --json")
    elsewhere = f"sqlite:///{tmp_path}/nowhere/queue.db"
    refused = operate(f"{line} --json".replace(f"sqlite:///{tmp_path}/queue.db", elsewhere), DATABASE_URL=elsewhere)

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


def test_the_demos_queue_is_named_where_there_is_no_other(operate, tmp_path):
    connect(f"sqlite:///{tmp_path}/data/demo/queue.db").open().close()

    done = operate("status", DATABASE_URL="")

    assert done.code == 1
    assert f"There is no queue at {tmp_path}/data/queue.db" in done.err
    assert done.err.endswith("There is one of `make demo` at sqlite:///data/demo/queue.db.\n")


def test_the_version_is_told(operate):
    done = operate("--version")

    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(
        r"promptqueue \d+\.\d+\.\d+, schema \d+, SQLite \d+\.\d+\.\d+; "
        r"PostgreSQL: schema \d+, psycopg \d+\.\d+\.\d+, libpq \d+\.\d+\n",
        done.out,
    )


def test_the_version_tells_of_one_engine_where_the_library_of_the_other_is_not_installed(operate, monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda _: None)

    assert re.fullmatch(r"promptqueue \d+\.\d+\.\d+, schema \d+, SQLite \d+\.\d+\.\d+\n", operate("--version").out)


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
    done = operate("status", DATABASE_URL="mysql://host/queue")

    assert done.code == 2
    assert "DATABASE_URL must look like sqlite:////data/queue.db or postgresql://user@host/database, got" in done.err


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


@pytest.mark.parametrize("module", ["promptqueue", "promptqueue.storage", "promptqueue.sqlite"])
def test_nobody_pays_for_the_command_line_who_does_not_use_it(environ, module):
    program = (
        f"import sys, {module}; print([name for name in ('click', 'promptqueue.operator') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environ}, capture_output=True, check=True
    )

    assert done.stdout.strip() == b"[]"
