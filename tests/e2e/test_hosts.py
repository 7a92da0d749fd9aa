"""Three hosts with a worker and an Ollama each, the queue in a PostgreSQL that they reach over a network."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from simulator.client import Simulator
from simulator.text import answer_to
from support.machine import need_postgres, unable
from support.network import NETWORK, network
from support.postgres import postgres_server
from support.stack import Stack
from support.waiting import until
from support.wall_clock import MISSING, clock_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.network import Host

WORDS = " ".join(f"word{number}" for number in range(160))
PACE = 0.05  # seconds a word: longer than the lease, all together
VARIABLES = {"LEASE_SECONDS": "3"}
DAY = "+1d"
OFF = 2  # the host whose wall clock is a day off


@dataclass(frozen=True, kw_only=True)
class Site:
    """The hosts, each with its worker and its Ollama, and a proxy beside the server."""

    proxy: Stack
    hosts: list[Host]
    workers: list[Stack]
    ollamas: list[Simulator]

    def set(self, **settings: Any) -> None:
        """Set every Ollama, and let it forget what it was asked."""
        for ollama in self.ollamas:
            ollama.reset()
            ollama.set(**settings)

    def asked(self, text: str) -> list[int]:
        """Say which hosts' Ollamas were asked this."""
        return [
            place
            for place, ollama in enumerate(self.ollamas)
            for call in ollama.calls()
            if call["body"]["prompt"] == text
        ]

    def finished(self, prompt_id: str) -> int:
        """Count how often a worker said that it had ended this prompt."""
        return sum(worker.log("worker").count(f"prompt finished id={prompt_id}") for worker in self.workers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need_postgres()
    folder = tmp_path_factory.mktemp("site")
    clock = clock_at(folder / "clock") or unable(MISSING)
    clock.set(DAY)
    with ExitStack() as open_until_the_end:
        keep = open_until_the_end.enter_context
        net = keep(network())
        server = keep(postgres_server(settings={"listen_addresses": f"127.0.0.1,{net.address}"}))
        server.trust(f"{NETWORK}.0.0/16")
        hosts = [net.host() for _ in range(3)]
        ollamas = [keep(Simulator(host=host.address, inside=host.inside)) for host in hosts]
        proxy = Stack(folder / "proxy", ollamas[0], {**VARIABLES, "DATABASE_URL": server.url()})
        workers = []
        for place, (host, ollama) in enumerate(zip(hosts, ollamas, strict=True)):
            variables = {**VARIABLES, "DATABASE_URL": server.url().replace("127.0.0.1", net.address)}
            more = clock.variables if place == OFF else {}
            workers.append(Stack(folder / host.name, ollama, {**variables, **more}, inside=host.inside))
        for stack in (proxy, *workers):
            open_until_the_end.callback(stack.stop)
        for worker in workers:
            worker.start_worker()
        proxy.start_proxy()
        until(lambda: sum(each["state"] == "ready" for each in proxy.queue()["servers"]) == 3, "all three are ready")
        yield Site(proxy=proxy, hosts=hosts, workers=workers, ollamas=ollamas)


def test_a_host_whose_wall_clock_is_a_day_off_changes_nothing(site: Site) -> None:
    site.set(pace=0.005)

    asked = {site.proxy.submit(text): text for text in (f"Question {number}" for number in range(24))}

    assert {each: site.proxy.answer(each) for each in asked} == {each: answer_to(text) for each, text in asked.items()}
    answered_by = {each: site.asked(text) for each, text in asked.items()}
    assert sorted({place for places in answered_by.values() for place in places}) == [0, 1, OFF]
    assert [len(places) for places in answered_by.values()] == [1] * len(asked)
    for prompt_id in asked:
        told = site.proxy.status(prompt_id)
        times = [datetime.fromisoformat(told[name]) for name in ("created_at", "started_at", "completed_at")]
        assert told["attempt"] == 1
        assert times == sorted(times)
        assert abs(times[-1] - datetime.now(UTC)) < timedelta(minutes=2)


def test_a_host_that_is_cut_off_for_longer_than_its_lease_and_comes_back_answers_no_prompt_twice(site: Site) -> None:
    site.set(pace=PACE, text=WORDS)
    prompt_id = site.proxy.submit("Who is there?")
    until(lambda: (site.proxy.status(prompt_id)["tokens"] or 0) > 10, "it is being answered")
    [first] = site.asked("Who is there?")
    host, worker = site.hosts[first], site.workers[first]

    host.unplug()
    until(lambda: site.proxy.status(prompt_id)["attempt"] == 2, "another host has taken it over")
    meanwhile = [site.proxy.submit(f"Meanwhile {number}", options={"num_predict": 5}) for number in range(4)]
    answers = [site.proxy.answer(each) for each in meanwhile]
    told = site.proxy.status(prompt_id)
    host.plug_in()
    until(lambda: f"claim lost id={prompt_id} attempt=1" in worker.log("worker"), "the first has come back")

    assert (told["status"], told["attempt"]) == ("processing", 2)
    assert answers == [" ".join(WORDS.split()[:5])] * 4
    assert site.proxy.answer(prompt_id) == WORDS
    assert site.proxy.status(prompt_id)["attempt"] == 2
    assert [site.finished(each) for each in (prompt_id, *meanwhile)] == [1] * 5
    assert len(site.asked("Who is there?")) == 2
    site.ollamas[first].reset()
    again = [site.proxy.submit(f"Again {number}", options={"num_predict": 5}) for number in range(12)]
    assert {site.proxy.result(each).status for each in again} == {200}
    assert site.ollamas[first].calls()
