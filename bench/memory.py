"""Memory at rest: the proportional set size of the proxy and of the worker's container, beside their goals."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "ollama"), str(ROOT / "tests/e2e")]

from processes import until  # noqa: E402 (found only through the line above, as are the next two)
from simulator.client import Simulator  # noqa: E402
from stack import Stack  # noqa: E402

if TYPE_CHECKING:
    from processes import Process

GOALS = {"proxy": 120.0, "worker": 80.0}  # MB
PROMPTS = 5  # answered before the memory is read: at rest is after some work, not before the first


def main() -> int:
    if not Path("/proc/self/smaps_rollup").exists():
        sys.exit("Only Linux tells the proportional set size of a process.")
    with tempfile.TemporaryDirectory() as folder, Simulator() as simulator:
        stack = Stack(Path(folder) / "stack", simulator)
        try:
            trees = measure(stack)
        finally:
            stack.stop()
    print("| what | MB | goal |\n|---|---|---|")
    for name, tree in trees.items():
        print(f"| **{name}** | **{sum(tree.values()):.1f}** | ≤ {GOALS[name]:.0f} |")
        for what, megabytes in tree.items():
            print(f"| {what} | {megabytes:.1f} | |")
    return 0 if all(sum(tree.values()) <= GOALS[name] for name, tree in trees.items()) else 1


def measure(stack: Stack) -> dict[str, dict[str, float]]:
    """Megabytes by process, for each of the two trees."""
    started = {"proxy": stack.start_proxy(), "worker": stack.start_worker()}
    until(lambda: stack.queue()["model"]["state"] == "ready", "the model is ready")
    for number in range(PROMPTS):
        stack.answer(stack.submit(f"Question {number}"))
    return {name: {described(each): megabytes(each) for each in stack.processes(one)} for name, one in started.items()}


def described(process: Process) -> str:
    words = process.arguments.split()
    name = words[words.index("-m") + 1] if "-m" in words else Path(words[1]).name
    return f"{name} ({process.pid})"


def megabytes(process: Process) -> float:
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    sys.exit(main())
