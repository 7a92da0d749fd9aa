"""What is in the images, and what is not."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from support import ROOT
from support.composed import SERVICES, docker
from support.machine import BUILT_WITHIN

if TYPE_CHECKING:
    from support.composed import Composed

pytestmark = pytest.mark.timeout(BUILT_WITHIN)

MEGABYTE = 1_000_000
LARGER_BY = {"proxy": 50, "worker": 25, "frontend": 1, "ollama": 1}  # megabytes at most, than its base
PYTHON = ("proxy", "worker")
DOCKERFILES = {
    "frontend": ("services/frontend/Dockerfile", "."),
    "proxy": ("services/proxy/Dockerfile", "."),
    "worker": ("services/worker/Dockerfile", "."),
    "ollama": ("ollama/Dockerfile", "ollama"),
}


def image(name: str) -> Any:
    return json.loads(docker("image", "inspect", name))[0]


def run(name: str, *command: str) -> str:
    """Run a program of an image instead of its own."""
    return docker("run", "--rm", "--network", "none", "--entrypoint", command[0], name, *command[1:])


@pytest.mark.parametrize("service", SERVICES)
def test_a_dockerfile_has_nothing_that_docker_warns_of(service: str, engine: None) -> None:
    dockerfile, context = DOCKERFILES[service]
    command = ["docker", "build", "--check", "--file", dockerfile, context]

    check = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    if "unknown flag: --check" in check.stderr:
        pytest.skip("docker build has no --check here: it came with buildx 0.15")
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_little_larger_than_its_base(service: str, in_containers: Composed) -> None:
    base = re.findall(r"^FROM (?:\$\{OLLAMA_IMAGE\}|(\S+))", (ROOT / DOCKERFILES[service][0]).read_text(), re.MULTILINE)
    ours, theirs = (
        image(in_containers.image(service)),
        image(base[-1] if service != "ollama" else "ollama/ollama:0.34.3"),
    )

    assert ours["RootFS"]["Layers"][: len(theirs["RootFS"]["Layers"])] == theirs["RootFS"]["Layers"]
    assert ours["Size"] - theirs["Size"] <= LARGER_BY[service] * MEGABYTE


@pytest.mark.parametrize(
    ("service", "user"), [("frontend", "101:101"), *((name, "10001:10001") for name in ("ollama", "proxy", "worker"))]
)
def test_an_image_runs_as_a_numbered_user_who_is_not_root(service: str, user: str, in_containers: Composed) -> None:
    assert image(in_containers.image(service))["Config"]["User"] == user


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_says_what_it_is(service: str, in_containers: Composed) -> None:
    labels = image(in_containers.image(service))["Config"]["Labels"]

    assert labels["org.opencontainers.image.title"] == f"Ollama Proxy: {service}"
    assert labels["org.opencontainers.image.description"]
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert labels["org.opencontainers.image.version"] == version("promptqueue")


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_asked_for_its_health_every_30_seconds_and_each_second_at_first(
    service: str, in_containers: Composed
) -> None:
    health = image(in_containers.image(service))["Config"]["Healthcheck"]

    assert health["Interval"] == 30e9
    assert health["StartInterval"] == 1e9
    assert health["StartPeriod"] >= 30e9
    assert "curl" not in " ".join(health["Test"])


@pytest.mark.parametrize("service", PYTHON)
def test_a_python_image_holds_what_runs_and_nothing_that_builds(service: str, in_containers: Composed) -> None:
    packages = run(
        in_containers.image(service), "sh", "-c", "ls /venv/lib/python3*/site-packages /venv/bin /app"
    ).split()
    sources = run(in_containers.image(service), "find", "/venv", "-name", "*.c", "-o", "-name", "*.pyx")
    tests = run(in_containers.image(service), "find", "/venv", "-type", "d", "-name", "tests")

    other = {"proxy": "worker", "worker": "proxy"}[service]
    assert {"promptqueue", service} <= set(packages)
    assert not {other, "pip", "flit_core", "setuptools", "tests", "pytest", "pyproject.toml"} & set(packages)
    assert sources == tests == ""
    assert run(in_containers.image(service), "sh", "-c", "ls -A ~root/.cache 2>/dev/null || true") == ""
    assert run(in_containers.image(service), "sh", "-c", "command -v gcc cc make || echo none") == "none\n"


@pytest.mark.parametrize("service", PYTHON)
def test_an_image_that_was_not_built_for_postgresql_knows_nothing_of_it_and_says_so(
    service: str, in_containers: Composed
) -> None:
    looked = run(
        in_containers.image(service), "python", "-c", "import importlib.util as u; print(u.find_spec('psycopg'))"
    )
    elsewhere = ["docker", "run", "--rm", "--env", "DATABASE_URL=postgresql://host/queue", in_containers.image(service)]
    refused = subprocess.run(elsewhere, capture_output=True, text=True, check=False)

    assert looked == "None\n"
    assert refused.returncode != 0
    assert "DATABASE_URL: A queue in PostgreSQL needs psycopg" in refused.stderr
    assert "build images with POSTGRES=1" in refused.stderr


@pytest.mark.parametrize("service", PYTHON)
def test_no_program_of_an_image_is_compiled_anew_at_each_start(service: str, in_containers: Composed) -> None:
    program = {"proxy": "proxy.app", "worker": "worker.main"}[service]
    look = (
        f"import sys, os, {program}; print([name for name, module in sys.modules.items() "
        "if (path := getattr(module, '__cached__', None)) and not os.path.exists(path)])"
    )

    assert run(in_containers.image(service), "python", "-c", look) == "[]\n"


@pytest.mark.parametrize("service", PYTHON)
def test_the_queues_folder_belongs_to_the_user_of_proxy_and_worker(service: str, in_containers: Composed) -> None:
    assert run(in_containers.image(service), "stat", "-c", "%u:%g %a", "/data") == "10001:10001 755\n"


def test_both_images_have_the_page_as_it_lies_here(in_containers: Composed) -> None:
    page = (ROOT / "services/frontend/index.html").read_text()

    assert run(in_containers.image("frontend"), "cat", "/usr/share/nginx/html/index.html") == page
    assert (
        run(in_containers.image("proxy"), "sh", "-c", "cat /venv/lib/python3*/site-packages/proxy/index.html") == page
    )


def test_proxy_and_worker_have_the_same_sqlite_and_trust_it_alike(in_containers: Composed) -> None:
    look = "from promptqueue.sqlite.file import engine; print(engine.sqlite3.sqlite_version)"

    versions = {run(in_containers.image(service), "python", "-c", look) for service in PYTHON}

    assert len(versions) == 1


def test_the_baked_image_has_the_model_inside_and_no_key(engine: None) -> None:
    name = "ollama-proxy-test-baked"
    docker("build", "--quiet", "--target", "baked", "--tag", name, "ollama")

    container = docker("run", "--detach", "--network", "none", "--read-only", "--tmpfs", "/tmp", name).strip()
    try:
        until_listed = "until ollama list >/dev/null 2>&1; do sleep 0.1; done; ollama list"
        listed = docker("exec", container, "timeout", "20", "sh", "-c", until_listed)
    finally:
        docker("rm", "--force", "--volumes", container)
    find_keys = ("--entrypoint", "find", name, "/", "-xdev", "-name", "id_ed25519*")
    keys = docker("run", "--rm", "--network", "none", "--user", "0:0", *find_keys)
    docker("image", "rm", name)

    assert "llama3.2:latest" in listed
    assert keys == ""
