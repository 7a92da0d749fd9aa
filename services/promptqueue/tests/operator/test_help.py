"""The help names every command, and every example in it can be typed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from promptqueue.operator.command import ORDER, PROGRAM, Help, InOrder, commands
from promptqueue.owners.key import Role, new_key

from services.promptqueue.tests.postgres.backend import server

NOBODYS_ID = "4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"
NOBODYS_KEY = "4f9c6e2a"
WITH_NOBODY_ELSE = ("restore", "migrate")


def every_command(group=commands):
    """The words by which each command is called that does something."""
    for name in group.order:
        found = group.commands[name]
        if isinstance(found, InOrder):
            yield from (f"{name} {each}" for each in every_command(found))
        else:
            yield name


def test_the_help_names_every_command_in_its_order(operate):
    said = operate("--help").out

    listed = re.findall(r"^  (\w+)  +[A-Z].*\.$", said.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(ORDER)
    assert "docker compose exec worker python -m promptqueue COMMAND" in said
    assert "..." not in said.partition("Commands:")[2]


def test_the_help_of_a_group_names_its_commands_in_their_order(operate):
    said = operate("keys --help").out.partition("Commands:")[2]

    assert re.findall(r"^  (\w+)  +[A-Z].*\.$", said, re.MULTILINE) == list(commands.commands["keys"].order)


@pytest.mark.parametrize("name", [*every_command()])
def test_every_example_of_the_help_can_be_typed(operate, environ, queue, ask, tmp_path, name):
    said, helped = operate(f"{name} --help"), named(name)
    assert isinstance(helped, Help)
    assert helped.examples
    waiting, places = ask(), {"/var/backups": str(tmp_path), "/data": str(tmp_path)}
    if name == "restore":
        operate(f"backup {tmp_path}/queue.backup")
    if name == "migrate":
        server().make_database("typed")
        places["postgresql://queue@postgres/queue"] = server().url("typed")
    if name in WITH_NOBODY_ELSE:
        queue.close()

    if not shutil.which("jq"):
        pytest.skip("no jq; on Debian: apt-get install jq")

    for what, arguments in helped.examples:
        typed = f"{PROGRAM} {arguments}"
        assert f"  # {what}\n  {typed}\n" in said.out
        if name not in WITH_NOBODY_ELSE:
            waiting = ask()
            key = queue.add_key(new_key(), owner="anna", role=Role.USER).name
            typed = typed.replace(NOBODYS_KEY, key) if NOBODYS_ID not in typed else typed
        here = typed.replace(NOBODYS_ID, waiting)
        for there, place in places.items():
            here = here.replace(there, place)
        if name == "backup" and "--force" not in typed:
            (tmp_path / "queue.backup").unlink(missing_ok=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["bash", "-c", here], env={**os.environ, **environ, "PATH": path}, check=True, timeout=60)


def named(words):
    group, *rest = words.split()
    return commands.commands[group] if not rest else commands.commands[group].commands[rest[0]]


def test_whoever_lacks_click_is_told_what_to_install():
    without = "import runpy, sys; sys.modules['click'] = None; runpy.run_module('promptqueue', run_name='__main__')"

    said = subprocess.run([sys.executable, "-c", without], check=False, capture_output=True, text=True, timeout=60)

    assert (said.returncode, said.stderr) == (
        1,
        "The queue's command line needs click: install promptqueue[operator].\n",
    )
