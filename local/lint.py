"""Run every linter, all of them even when one finds something, and say what could not be run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "services/frontend"
SOURCES = [
    "services/promptqueue/src",
    "services/proxy/src",
    "services/worker/src",
    "ollama/simulator",
    "services/frontend/csp.py",
    "bench",
    "simulation",
]

CHECKS = [
    ("ruff check .", ROOT),
    ("ruff format --check .", ROOT),
    (f"mypy {' '.join(SOURCES)}", ROOT),
    ("lint-imports", ROOT),
    ("python local/structure.py", ROOT),
    ("python csp.py --check", PAGE),
]
PAGE_CHECKS = [
    ("npm ci --no-audit --no-fund --loglevel=error", PAGE / "lint"),
    ("npx html-validate --config .htmlvalidate.json ../index.html", PAGE / "lint"),
    ("npx eslint --no-warn-ignored ../index.html", PAGE / "lint"),
]


def main() -> int:
    checks = list(CHECKS)
    failed = []
    if shutil.which("npm"):
        checks += PAGE_CHECKS
    elif os.environ.get("CI"):
        failed.append("npm is missing, and with it html-validate and eslint")
    else:
        print("Not run: html-validate and eslint on the page, because npm is not installed.")
    for command, folder in checks:
        print(f"$ {command}", flush=True)
        if subprocess.run(command.split(), cwd=folder).returncode:
            failed.append(command)
    print("\n".join(["", *(f"Failed: {command}" for command in failed)]) if failed else "\nAll clean.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
