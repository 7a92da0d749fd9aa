"""Set up the virtual environment in .venv: `run` for what the services need, `test` and `bench` for those as well.

Does nothing when the requirements have not changed since. Runs on any Python 3, to say which one is wanted.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to end, Ctrl+C ends this without a word

import contextlib
import fcntl
import glob
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PLACE = VENV / "place"
"""Holds the folder that the environment was made for: its programs know it by that name. Not there while it is made."""
REQUIREMENTS = {
    "run": ["build", "local", "proxy", "worker"],
    "test": ["build", "dev"],
    "bench": ["build", "proxy", "worker", "postgres", "bench"],
}
OPTIONAL = {"run": ["postgres"], "bench": ["peers"]}
"""Requirements without which a purpose is served all the same."""
PACKAGES = ["services/promptqueue", "services/proxy", "services/worker"]
SYSTEM = {
    "chromium": "the page's tests in a real browser",
    "curl": "the README's own requests",
    "faketime": "the tests of a wall clock that jumps",
    "firefox-esr": "the page's journeys in Firefox",
    "initdb": "the queue in PostgreSQL",
    "ip": "hosts that are cut off from the others",
    "nginx": "the tests of the front server",
    "pgbouncer": "the queue in PostgreSQL behind a pooler",
    "prometheus": "the alerts and the dashboard, before a real one",
    "strace": "the power cuts, which need to know what was written and what was synced",
    "WebKitWebDriver": "the page's journeys in WebKit",
    "Xvfb": "the screen that WebKit wants",
}
"""Programs that only tests need, and what goes untested without them."""
PACKAGED_AS = {"WebKitWebDriver": "webkit2gtk-driver", "Xvfb": "xvfb", "initdb": "postgresql", "ip": "iproute2"}
"""Those that have another name where Debian packs them."""
BESIDE_PATH = ["/usr/sbin", "/usr/lib/postgresql/*/bin"]
"""Where Debian puts programs that are not for everybody."""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK = 15.0  # seconds after which a silent step says that it goes on, where no terminal shows it
FULL = 100 * 1024 * 1024  # bytes; with less left on a disk, it is the disk that something failed of
NOT_WRITABLE = "{} cannot be written ({}). The Python packages go there: clone the repository to where you may write."
OFFLINE = (
    "pip could not install what is needed; its own words are above. It needs the network, this once: a proxy for it is "
)
OFFLINE += "named by HTTPS_PROXY, a mirror of the package index by PIP_INDEX_URL."


def main(purpose):
    if sys.version_info < (3, 11):
        sys.exit(
            "Python 3.11 or newer is needed; this is {}. Name another: make PYTHON=python3.13 …".format(
                sys.version.split()[0]
            )
        )
    if purpose == "test":
        install_system_packages()
    if is_made(purpose):
        return
    with alone():
        if not is_made(purpose):  # somebody else may have done it meanwhile
            set_up(purpose)


def is_made(purpose):
    stamp = VENV / "{}.stamp".format(purpose)
    return stamp.exists() and stamp.read_text() == digest(purpose) and is_sound()


def is_sound():
    """Whether it was made here, to its end, and still has the Python that it was made of, which is this one."""
    if not PLACE.exists() or PLACE.read_text(encoding="utf-8") != str(ROOT):
        return False
    ask = [str(VENV / "bin" / "python"), "-I", "-c", "import pip, sys; print(sys.version_info[:2])"]
    try:
        answer = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:  # the Python that it was made of is gone
        return False
    return answer.stdout.strip() == str(sys.version_info[:2])


@contextlib.contextmanager
def alone():
    """Let one at a time set up: who comes second says so, and waits."""
    folder = os.open(str(ROOT), os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # of a file system without locks
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another make is setting up .venv; waiting for it …", flush=True)
                fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def set_up(purpose):
    print("Setting up .venv (a minute or two, the first time only) …", flush=True)
    if not is_sound():
        create()
    PLACE.unlink()  # what is interrupted from here on is made anew
    for name in REQUIREMENTS[purpose]:
        pip("--require-hashes", "-r", "requirements/{}.txt".format(name))
    pip("--no-deps", "--no-build-isolation", *[part for package in PACKAGES for part in ("-e", package)])
    for name in OPTIONAL.get(purpose, []):
        pip("--require-hashes", "-r", "requirements/{}.txt".format(name), needed=False)
    (VENV / "{}.stamp".format(purpose)).write_text(digest(purpose))
    PLACE.write_text(str(ROOT), encoding="utf-8")


def digest(purpose):
    files = ["requirements/{}.txt".format(name) for name in REQUIREMENTS[purpose] + OPTIONAL.get(purpose, [])]
    files += ["{}/pyproject.toml".format(package) for package in PACKAGES]
    return hashlib.sha256(b"".join((ROOT / file).read_bytes() for file in files)).hexdigest()


def create():
    try:
        VENV.mkdir(exist_ok=True)
        (VENV / "trial").touch()
    except OSError as error:
        sys.exit(of_the_disk() or NOT_WRITABLE.format(VENV, error.strerror))
    if importlib.util.find_spec("ensurepip") is None:
        shutil.rmtree(str(VENV), ignore_errors=True)
        sys.exit("This Python has no venv. On Debian and Ubuntu: apt-get install python3-venv")
    if run([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        shutil.rmtree(str(VENV), ignore_errors=True)
        sys.exit(of_the_disk() or "No virtual environment could be made; Python's own words are above.")
    PLACE.write_text(str(ROOT), encoding="utf-8")


def pip(*arguments, needed=True):
    progress = "on" if sys.stdout.isatty() else "off"
    command = [str(VENV / "bin" / "pip"), "install", "--disable-pip-version-check", "--progress-bar", progress]
    print("  pip install " + " ".join(arguments), flush=True)
    if run([*command, *arguments]):
        full = of_the_disk()
        if needed and not full:
            PLACE.write_text(str(ROOT), encoding="utf-8")  # nothing was changed
        if needed or full:
            sys.exit(full or OFFLINE)
        print("  Not installed, and not needed: " + " ".join(arguments), flush=True)


def run(command):
    """Run a step to its end; its exit code. Whatever ends this process ends the step too."""
    began = time.monotonic()
    # A signal waits until it is known what to end; the step itself has none blocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    step = subprocess.Popen(
        command,
        cwd=str(ROOT),
        start_new_session=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),  # noqa: PLW1509 (there are no threads)
    )
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        while True:
            try:
                return step.wait(TICK)
            except subprocess.TimeoutExpired:
                if not sys.stdout.isatty():
                    print("  … {:.0f} seconds so far".format(time.monotonic() - began), flush=True)
    finally:
        if step.poll() is None:
            os.killpg(step.pid, signal.SIGKILL)
            step.wait()


def of_the_disk():
    """Say that a disk is full, if one is."""
    for folder in (str(ROOT), tempfile.gettempdir()):
        free = shutil.disk_usage(folder).free
        if free < FULL:
            return "The disk of {} is full ({} MB are free): make room for half a gigabyte, then again.".format(
                folder, free // 2**20
            )
    return None


def install_system_packages():
    path = ":".join([os.environ.get("PATH", os.defpath), *(each for place in BESIDE_PATH for each in glob.glob(place))])
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


class Interrupted(BaseException):
    """A signal came that ends this process."""


def interruptible(purpose, work=main):
    """Set up; the exit code. A signal that ends it leaves a line, and nothing that runs."""

    def interrupt(number, _frame):
        raise Interrupted(number)

    for each in ENDING:
        if signal.getsignal(each) != signal.SIG_IGN:  # as nohup has it
            signal.signal(each, interrupt)
    try:
        work(purpose)
    except Interrupted as interrupted:
        print("\nInterrupted. What is not finished in .venv is made anew the next time.", file=sys.stderr)
        return 128 + interrupted.args[0]
    return 0


if __name__ == "__main__":
    sys.exit(interruptible(sys.argv[1]))
