"""backup and restore."""

import os
import pty
import subprocess
import sys
from pathlib import Path


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
