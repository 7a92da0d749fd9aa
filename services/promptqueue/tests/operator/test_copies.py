"""backup and restore."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from promptqueue.owners.key import Role, new_key


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


def test_an_old_copy_lets_nobody_in_again(operate, queue, storage, tmp_path):
    kept, revoked = (queue.add_key(new_key(), owner=name, role=Role.USER) for name in ("anna", "ben"))
    operate(f"backup {tmp_path}/copy")
    queue.revoke_key(revoked.name)
    queue.close()

    done = operate(f"restore {tmp_path}/copy --json")

    restored = storage.open()
    assert done.json["revoked"] == [revoked.name]
    assert {key.name: key.revoked_at is None for _, key in restored.keyring()} == {kept.name: True, revoked.name: False}
    assert [(deed.what, deed.to) for deed in restored.deeds(limit=1)] == [("key revoked", revoked.name)]


def test_a_copy_without_keys_says_that_it_is_open(operate, queue, tmp_path):
    operate(f"backup {tmp_path}/copy")
    queue.add_key(new_key(), owner="anna", role=Role.USER)
    queue.close()

    done = operate(f"restore {tmp_path}/copy")

    assert (done.code, done.err) == (
        0,
        "The copy has no keys, so whoever reaches the proxy is served. `keys add` ends that.\n",
    )


def test_a_queue_that_cannot_be_read_is_replaced_all_the_same(operate, queue, ask, tmp_path):
    ask()
    operate(f"backup {tmp_path}/copy")
    queue.close()
    (tmp_path / "queue.db").write_bytes(b"not a queue any more" * 1_000)

    done = operate(f"restore {tmp_path}/copy --json")

    assert (done.code, done.json["queued"], done.json["revoked"]) == (0, 1, [])


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


def test_a_copy_that_was_brought_back_is_noted_in_what_came_of_it(operate, queue, storage, tmp_path):
    operate(f"backup {tmp_path}/copy")
    queue.close()

    operate(f"restore {tmp_path}/copy")

    [deed] = storage.open().deeds(limit=10)
    assert (deed.what, deed.to) == ("copy restored", f"{tmp_path}/copy")
