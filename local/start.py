"""Run the product on plain processes: `run` with your own Ollama, `demo` with the simulator in its place."""

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import proxy.config
import worker.config
from promptqueue.environment import read_or_exit

ROOT = Path(__file__).resolve().parent.parent
STARTS_WITHIN = 30.0  # seconds


def main(kind: str) -> int:
    environment = settings(kind)
    # Here, once, instead of by every process that would end of it.
    served, worked = (read_or_exit(each, environment) for each in (proxy.config.Config, worker.config.Config))
    host, port = served.bind_address, served.proxy_port
    refuse_taken(host, port)
    try:
        (ROOT / "data").mkdir(exist_ok=True)
    except OSError as error:
        sys.exit(f"The folder {ROOT / 'data'} cannot be made ({error.strerror}). It is where the queue lives.")
    with tempfile.TemporaryDirectory(prefix="ollama-proxy-") as scratch:
        supervisord = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", f"local/{kind}.conf", "-j", f"{scratch}/pid"],
            cwd=ROOT,
            env=environment | {"HEARTBEAT_PATH": f"{scratch}/worker.heartbeat"},
            start_new_session=True,  # so that Ctrl+C reaches this process alone, which then ends the others in order
        )
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: supervisord.terminate())
            if answers(f"http://{reachable(host)}:{port}/healthz", supervisord):
                print(words(kind, reachable(host), port, worked.ollama_told), flush=True)
            elif supervisord.poll() is None:
                seconds = f"{STARTS_WITHIN:g} seconds"
                print(f"The proxy did not answer within {seconds}; the log above says why.", file=sys.stderr)
            return supervisord.wait()
        finally:  # whatever ends this, be it that nobody reads what it says, ends the product too
            supervisord.terminate()
            supervisord.wait()


def settings(kind: str) -> dict[str, str]:
    environment = dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    if kind == "demo":
        environment |= {"SIMULATOR_PORT": str(free_port()), "DATABASE_URL": "sqlite:///data/demo/queue.db"}
        environment["OLLAMA_URLS"] = f"http://127.0.0.1:{environment['SIMULATOR_PORT']}"
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "ollama"), os.environ.get("PYTHONPATH")]))
    return environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_taken(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is taken by another program" if taken else f"cannot be used ({error.strerror})"
            sys.exit(f"Port {port} on {host} {reason}. Choose another: make PROXY_PORT={port + 1} …")


def reachable(host: str) -> str:
    if host in ("127.0.0.1", "0.0.0.0", "::"):  # noqa: S104 (compared)
        return "localhost"
    return f"[{host}]" if ":" in host else host


def answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 (the address is our own)
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def words(kind: str, host: str, port: int, ollama: str) -> str:
    from_whom = "the simulator: they are made up" if kind == "demo" else f"the Ollama at {ollama}"
    return f"\n  Page:     http://{host}:{port}\n  Answers:  from {from_whom}\n  Stop:     Ctrl+C\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
