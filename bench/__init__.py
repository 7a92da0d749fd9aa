"""The benchmark: `make bench` measures each promise in numbers and prints what was reached beside what was meant."""

import sys
from pathlib import Path

# The simulator, and how tests start the product. Here, because the benchmark's own child processes need them too.
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("ollama", "tests")]
