"""Set up the virtual environment in .venv: `run` for what the services need, `test` and `bench` for those as well.

Does nothing when the requirements have not changed since. Runs on any Python 3, to say which one is wanted.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PLACE = VENV / "place"
"""Holds the folder that the environment was made for, once it was made: its programs know it by that name."""
REQUIREMENTS = {
    "run": ["build", "proxy", "worker"],
    "test": ["build", "dev"],
    "bench": ["build", "proxy", "worker", "bench"],
}
OPTIONAL = {"bench": ["peers"]}
"""Requirements without which a purpose is served all the same."""
PACKAGES = ["services/promptqueue", "services/proxy", "services/worker"]
SYSTEM = {
    "chromium": "the page's tests in a real browser",
    "curl": "the README's own requests",
    "faketime": "the tests of a wall clock that jumps",
    "firefox-esr": "the page's journeys in Firefox",
    "nginx": "the tests of the front server",
    "strace": "the power cuts, which need to know what was written and what was synced",
    "WebKitWebDriver": "the page's journeys in WebKit",
    "Xvfb": "the screen that WebKit wants",
}
"""Programs that only tests need, and what goes untested without them."""
PACKAGED_AS = {"WebKitWebDriver": "webkit2gtk-driver", "Xvfb": "xvfb"}
"""Those that have another name where Debian packs them."""


def main(purpose):
    if sys.version_info < (3, 11):
        sys.exit(
            "Python 3.11 or newer is needed; this is {}. Name another: make PYTHON=python3.13 …".format(
                sys.version.split()[0]
            )
        )
    if purpose == "test":
        install_system_packages()
    stamp = VENV / "{}.stamp".format(purpose)
    wanted = digest(purpose)
    is_made = PLACE.exists() and PLACE.read_text(encoding="utf-8") == str(ROOT)
    if is_made and stamp.exists() and stamp.read_text() == wanted:
        return
    print("Setting up .venv (a minute or two, the first time only) …", flush=True)
    if not is_made:
        create()
    for name in REQUIREMENTS[purpose]:
        pip("--require-hashes", "-r", "requirements/{}.txt".format(name))
    pip("--no-deps", "--no-build-isolation", *[part for package in PACKAGES for part in ("-e", package)])
    for name in OPTIONAL.get(purpose, []):
        pip("--require-hashes", "-r", "requirements/{}.txt".format(name), needed=False)
    stamp.write_text(wanted)


def digest(purpose):
    files = ["requirements/{}.txt".format(name) for name in REQUIREMENTS[purpose] + OPTIONAL.get(purpose, [])]
    files += ["{}/pyproject.toml".format(package) for package in PACKAGES]
    return hashlib.sha256(b"".join((ROOT / file).read_bytes() for file in files) + sys.version.encode()).hexdigest()


def create():
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    made = subprocess.run(command, cwd=str(ROOT), capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(str(VENV), ignore_errors=True)
        sys.exit(
            made.stdout
            + made.stderr
            + "\nNo virtual environment could be made. On Debian: apt-get install python3-venv"
        )
    PLACE.write_text(str(ROOT), encoding="utf-8")


def pip(*arguments, needed=True):
    progress = "on" if sys.stdout.isatty() else "off"
    command = [str(VENV / "bin" / "pip"), "install", "--disable-pip-version-check", "--progress-bar", progress]
    if not sys.stdout.isatty():
        command.append("--quiet")
    print("  pip install " + " ".join(arguments), flush=True)
    if subprocess.run([*command, *arguments], cwd=str(ROOT)).returncode:
        if needed:
            sys.exit("pip could not install what is needed; its own words are above.")
        print("  Not installed, and not needed: " + " ".join(arguments), flush=True)


def install_system_packages():
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
    missing = [program for program in SYSTEM if not shutil.which(program, path=path)]
    if not missing:
        return
    line = "apt-get install -y --no-install-recommends " + " ".join(PACKAGED_AS.get(name, name) for name in missing)
    if os.environ.get("CI") and shutil.which("apt-get"):
        print("  " + line, flush=True)
        quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for command in ("apt-get update -q", line + " -q"):
            if subprocess.run(command.split(), env=quiet, stdout=subprocess.DEVNULL).returncode:
                sys.exit("The system packages that the tests need could not be installed.")
        return
    print("Not installed: " + "; ".join("{} ({})".format(program, SYSTEM[program]) for program in missing))
    print("To have those tests run too: " + line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
