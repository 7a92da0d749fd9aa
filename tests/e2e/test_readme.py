"""Every command that stands in a block of the README, run as it stands there."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from e2e import released
from playwright.sync_api import Page, expect
from simulator.client import Simulator
from support import ROOT
from support.command import Command
from support.composed import PACE, Composed
from support.front_door import FrontDoor
from support.machine import BUILT_WITHIN, needed
from support.ports import free_port
from support.processes import everything
from support.stack import Stack
from support.waiting import until

TESTED_ELSEWHERE = {
    "Scheduled backup": "test_copies.py",
    "Another machine": "test_copies.py",
    "More than one machine": "test_several.py",
}
README = (ROOT / "README.md").read_text()
for heading in TESTED_ELSEWHERE:
    README = re.sub(rf"^###? {heading}\n.*?(?=^##)", "", README, flags=re.MULTILINE | re.DOTALL)
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
WITH_KEY = "Authorization: Bearer $KEY"
CURLS = [command for command in COMMANDS if command.startswith("curl ") and WITH_KEY not in command]
[COLLEAGUE] = (command for command in COMMANDS if WITH_KEY in command)
[LET_IN] = (block.splitlines() for block in BLOCKS if "exec worker python -m promptqueue keys add" in block)
[LET_IN_HERE] = (block.splitlines() for block in BLOCKS if ".venv/bin/python -m promptqueue keys add" in block)
[REVOKE] = (command for command in COMMANDS if "keys revoke" in command)
[KEEP] = (command for command in COMMANDS if command.startswith("ID="))
ADDRESS = "http://localhost:8000"
[UPGRADE] = (block.splitlines() for block in BLOCKS if "git pull" in block)
[WAY_BACK] = (block.splitlines() for block in BLOCKS if "git checkout" in block)
SET_UP_WITHIN = 600  # seconds, for a virtual environment from nothing

Test = TypeVar("Test", bound=Callable[..., None])

run_here = {
    "make test": "is what runs this",
}
"""Which command is run by which test."""


def runs(*commands: str) -> Callable[[Test], Test]:
    """Take note of what a test runs."""

    def note(test: Test) -> Test:
        run_here.update(dict.fromkeys(commands, test.__name__))
        return test

    return note


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as somebody has it who has just cloned it: nothing is set up."""
    needed("make")
    folder = tmp_path_factory.mktemp("clone") / "clone"
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", "docs", *ignored))
    return folder


@pytest.fixture
def start(checkout: Path, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    started: list[Command] = []

    def start(command: str, folder: Path = checkout, **variables: str) -> Command:
        started.append(
            Command(["bash", "-c", f"exec {command}"], folder, tmp_path / f"{len(started)}.log", **variables)
        )
        return started[-1]

    yield start
    for running in started:
        running.kill()


@pytest.mark.timeout(SET_UP_WITHIN)
@runs("make demo")
def test_the_demo_answers_with_words_that_say_they_are_made_up_and_ctrl_c_ends_all_of_it(
    start: Callable[..., Command], checkout: Path
) -> None:
    port = free_port()
    here = FrontDoor(f"http://127.0.0.1:{port}")
    demo = start("make demo", PROXY_PORT=str(port), PYTHON=sys.executable)

    demo.until_it_says("Stop:     Ctrl+C", SET_UP_WITHIN)

    assert "they are made up" in demo.said
    assert "<title>Ollama Proxy</title>" in here.get("/").text
    assert "Simulated answer" in here.answer(here.submit("Why is the sky blue?"))
    assert (checkout / "data/demo/queue.db").exists()
    running = {process.pid for process in demo.processes()}
    assert len(running) >= 8
    demo.interrupt()
    assert [process for process in everything() if process.pid in running] == []


@pytest.mark.timeout(SET_UP_WITHIN)
def test_a_terminal_that_is_closed_leaves_nothing_of_the_demo(start: Callable[..., Command]) -> None:
    demo = start("make demo", PROXY_PORT=str(free_port()), PYTHON=sys.executable)
    demo.until_it_says("Stop:     Ctrl+C", SET_UP_WITHIN)
    running = {process.pid for process in demo.processes()}

    demo.hang_up()

    until(lambda: not [each for each in everything() if each.pid in running], "nothing of it runs", 60)


@pytest.mark.timeout(SET_UP_WITHIN)
@runs("make run")
def test_make_run_asks_the_ollama_that_is_named_and_downloads_the_model(
    start: Callable[..., Command], checkout: Path
) -> None:
    port = free_port()
    here = FrontDoor(f"http://127.0.0.1:{port}")
    with Simulator(models=[], text="From an Ollama of one's own.") as ollama:
        product = start("make run", PROXY_PORT=str(port), OLLAMA_URLS=ollama.url, PYTHON=sys.executable)
        product.until_it_says("Stop:     Ctrl+C", SET_UP_WITHIN)

        assert f"from the Ollama at {ollama.url}" in product.said
        assert here.answer(here.submit("Who are you?")) == "From an Ollama of one's own."

        assert (checkout / "data/queue.db").exists()
        product.interrupt()


@runs(*CURLS, KEEP)
def test_the_requests_are_answered_as_they_are_said_to_be(stack: Stack) -> None:
    needed("curl")
    submit, events, status, result, cancel, delete = CURLS

    def run(command: str, prompt_id: str = "") -> str:
        here = ["bash", "-c", command.replace(ADDRESS, stack.url)]
        return subprocess.run(
            here, env={**os.environ, "ID": prompt_id}, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    assert re.match(r'\{"id":"[^"]+","status":"queued","position":1,"links":', run(submit))
    prompt_id = run(f'{KEEP}; printf %s "$ID"')
    told = re.findall("^event: (.+)$", run(events, prompt_id), re.MULTILINE)
    assert (told[0], told[-1], set(told)) == ("status", "completed", {"status", "token", "completed"})
    assert '"outcome":"succeeded"' in run(result, prompt_id)
    assert '"status":"completed"' in run(status, prompt_id)
    assert '"outcome":"succeeded"' in run(cancel, prompt_id)
    assert run(delete, prompt_id) == ""
    assert '"code":"not_found"' in run(status, prompt_id)


@pytest.mark.timeout(SET_UP_WITHIN)
@runs(*LET_IN_HERE, COLLEAGUE)
def test_a_colleague_comes_in_with_a_key_and_stays_out_without(
    start: Callable[..., Command], checkout: Path, page: Page
) -> None:
    port = free_port()
    add, offer = LET_IN_HERE
    with Simulator(text="For you.") as ollama:
        own = {"PROXY_PORT": str(port), "OLLAMA_URLS": ollama.url, "PYTHON": sys.executable}
        alone = start("make run", **own)
        alone.until_it_says("Stop:     Ctrl+C", SET_UP_WITHIN)
        key = typed(add, checkout)
        alone.interrupt()
        offered = start(offer, **own)
        offered.until_it_says("Stop:     Ctrl+C", SET_UP_WITHIN)

        come_and_go(page, f"http://{address_of_this_machine()}:{port}", key, REVOKE.replace(*HERE), checkout)
        offered.interrupt()


@pytest.mark.timeout(BUILT_WITHIN)
@runs(*LET_IN, REVOKE)
def test_in_containers_a_colleague_comes_in_with_a_key_and_stays_out_without(engine: None, page: Page) -> None:
    product = Composed()
    own = {"COMPOSE_PROJECT_NAME": product.name, **product.ports}
    add, offer = LET_IN
    try:
        product.build()
        product.start()
        key = typed(add, ROOT, **own)
        typed(offer, ROOT, **own)

        come_and_go(page, f"http://{address_of_this_machine()}:{product.ports['PROXY_PORT']}", key, REVOKE, ROOT, **own)
    finally:
        product.leave_nothing()


HERE = ("docker compose exec worker python", ".venv/bin/python")


def typed(command: str, folder: Path, **variables: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def address_of_this_machine() -> str:
    """Give the address by which other machines reach it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:  # which sends nothing
        asked.connect(("192.0.2.1", 9))
        return str(asked.getsockname()[0])


def come_and_go(page: Page, url: str, key: str, revoke: str, folder: Path, **variables: str) -> None:
    """Ask as a colleague does on another machine, by curl and on the page, until the key is revoked."""
    needed("curl")
    ask, here = COLLEAGUE.replace("http://your-machine:8000", url), FrontDoor(url)
    until(lambda: here.get("/healthz").status == 200, "it is offered", 120)

    def ask_as(key: str) -> dict[str, Any]:
        return dict(json.loads(typed(ask, folder, KEY=key)))

    accepted = ask_as(key)
    mine = {"Authorization": f"Bearer {key}"}
    answered = here.get(f"/api/v1/prompt/{accepted['id']}/result?wait=60", **mine)
    assert answered.status == 200, answered.text
    assert here.get(f"/api/v1/prompt/{accepted['id']}/status").code == "unauthorized"
    assert ask_as(key[:-1] + "~")["error"]["code"] == ask_as("")["error"]["code"] == "unauthorized"

    page.goto(url)
    page.get_by_label("API key", exact=True).fill(key)
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("And by the page?")
    page.get_by_role("button", name="Submit prompt").click()
    expect(page.locator("#prompts > li").first).to_contain_text("Completed", timeout=60_000)

    name = key.removeprefix("opx_")[:8]
    typed(re.sub(r"[0-9a-f]{8}$", name, revoke), folder, **variables)

    until(lambda: ask_as(key).get("error", {}).get("code") == "unauthorized", "the key is good no more", 10)
    page.reload()
    expect(page.get_by_role("dialog")).to_contain_text("API key")


@pytest.mark.timeout(BUILT_WITHIN)
@runs("docker compose up", "docker compose down")
def test_docker_compose_up_brings_the_product_and_down_keeps_the_queue(
    start: Callable[..., Command], engine: None
) -> None:
    product = Composed()
    own = {
        "COMPOSE_PROJECT_NAME": product.name,
        "PROXY_PORT": product.proxy.url.rpartition(":")[2],
        "FRONTEND_PORT": product.url.rpartition(":")[2],
    }
    try:
        up = start("docker compose up", ROOT, **own)
        until(lambda: product.get("/").status == 200 and product.proxy.get("/").status == 200, "the page is there", 600)
        answered = product.submit("Say something.")
        product.until_ready()
        text = product.answer(answered)

        subprocess.run(["bash", "-c", "docker compose down"], cwd=ROOT, env={**os.environ, **own}, check=True)

        assert product.get("/").status == 0, up.said
        start("docker compose up", ROOT, **own)
        until(lambda: product.proxy.get("/").status == 200, "the page is there again", 120)
        assert product.proxy.answer(answered) == text
    finally:
        product.leave_nothing()


@pytest.mark.timeout(BUILT_WITHIN)
def test_make_up_tells_the_addresses_that_stand_in_the_env_file(
    start: Callable[..., Command], checkout: Path, engine: None
) -> None:
    product = Composed()
    chosen = {
        "COMPOSE_PROJECT_NAME": product.name,
        "BIND_ADDRESS": "0.0.0.0",
        "OPEN_TO_EVERYBODY": "yes",
        "PROXY_PORT": product.proxy.url.rpartition(":")[2],
        "FRONTEND_PORT": product.url.rpartition(":")[2],
    }
    (checkout / ".env").write_text("".join(f"{name}={value}\n" for name, value in chosen.items()))
    try:
        up = start("make up")
        assert up.wait(BUILT_WITHIN) == 0, up.said

        page, api = f"http://localhost:{chosen['FRONTEND_PORT']}", f"http://localhost:{chosen['PROXY_PORT']}"
        assert f"\nPage: {page}   API: {api}   Stop: docker compose down\n" in up.said
        assert product.get("/").status == product.proxy.get("/").status == 200
    finally:
        (checkout / ".env").unlink()
        product.leave_nothing()


@pytest.mark.timeout(BUILT_WITHIN)
@runs(*UPGRADE, *WAY_BACK)
def test_an_upgrade_from_the_last_release_keeps_every_prompt_and_the_way_back_those_of_before(
    checkout: Path, tmp_path: Path, engine: None
) -> None:
    if reason := released.missing():
        pytest.skip(reason)
    product = Composed()
    published = released.Checkout(tmp_path)
    shutil.copy(PACE, published.folder / "compose.override.yaml")
    own = os.environ | {
        "COMPOSE_PROJECT_NAME": product.name,
        "PROXY_PORT": product.proxy.url.rpartition(":")[2],
        "FRONTEND_PORT": product.url.rpartition(":")[2],
    }

    def run(*commands: str) -> None:
        for command in commands:
            done = subprocess.run(
                ["bash", "-c", command], cwd=published.folder, env=own, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def is_new() -> bool:
        return "charset" in product.get("/healthz").headers["Content-Type"]

    try:
        run("make up")
        assert not is_new()
        product.until_ready()
        answered = product.ask("Answered by the old version.", tokens=5)
        text = product.answer(answered)
        in_line = [product.ask(f"Number {number} in line.", tokens=400) for number in range(5)]
        published.publish(checkout)

        run(*UPGRADE)

        assert product.answer(answered) == text
        assert is_new()
        assert {product.until_status(each, "completed", 120)["outcome"] for each in in_line} == {"succeeded"}
        after = product.ask("Answered by the new version.", tokens=5)
        product.answer(after)

        run(*WAY_BACK)

        assert not is_new()
        assert product.answer(answered) == text
        assert {product.status(each)["outcome"] for each in in_line} <= {None, "succeeded"}
        assert product.until_status(in_line[0], "completed", 120)["outcome"] == "succeeded"
        assert product.get(f"/api/v1/prompt/{after}/status").status == 404
    finally:
        product.leave_nothing()


def test_every_command_in_a_block_is_run_by_a_test() -> None:
    assert set(run_here) == set(COMMANDS)
