"""prune, backup and restore."""

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.host.clock import Clock


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


def test_prune_says_how_long_the_clock_has_been_right_where_that_is_short(operate, finish, queue):
    for _ in range(2):
        finish()

    people, script = operate("prune --older-than 7d"), operate("prune --older-than 7d --json")
    with queue.transaction():
        queue._database.run("UPDATE control SET clock_since = clock_since - 24 * 3600")
    finish()
    believed = operate("prune --older-than 7d")

    assert re.fullmatch(r"The clock says .* UTC, and is known to have kept step for 0\.\d s only\.\n", people.err)
    assert people.out == "2 prompts erased.\n"
    assert (script.json["clock_agreed_seconds"], script.err) == (0, "")
    assert (believed.out, believed.err) == ("1 prompt erased.\n", "")


def test_a_clock_that_is_set_while_prune_runs_erases_no_more(operate, queue, monkeypatch):
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(150)))
    with queue.transaction():
        for one in accepted:
            queue.cancel(one.prompt.id)
        queue._database.run("UPDATE prompts SET completed_at = :now", now=time.time() - 20 * 86_400)
        queue._database.run("UPDATE prompts SET completed_at = :now WHERE seq <= 30", now=time.time() - 40 * 86_400)
    wall, prune, offset = Clock.wall, type(queue).prune, []
    monkeypatch.setattr(Clock, "wall", lambda clock: wall(clock) + sum(offset))

    def prune_and_set_the_clock(*arguments, **settings):
        erased = prune(*arguments, **settings, limit=10)
        offset[:] = [31 * 86_400]
        return erased

    monkeypatch.setattr(type(queue), "prune", prune_and_set_the_clock)
    done = operate("prune --older-than 30d --json")

    assert (done.code, done.json["erased"], done.json["prunable"]) == (1, 10, 20)
    assert done.err == "Error: The clock was set meanwhile, so no more was erased: look at it, and try again.\n"
    assert queue.counts().completed == 140


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
