"""What the page costs: its size, its way to the screen, its main thread, its memory, each beside its goal.

`make bench-page`. The proxy is a script inside the browser, so that everything measured is the page's own; Lighthouse
looks at the page as a file server gives it. Times are those of this machine: run it when nothing else does.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What the tests of the page know of it, and how they start a browser.
sys.path[:0] = [str(ROOT / folder) for folder in ("services/frontend/tests", "tests")]
