"""A real Prometheus watches the product: each panel of the dashboard shows something, and alerts come and go."""

from __future__ import annotations

import json
import math
import re
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import yaml
from support import ROOT
from support.client import Client
from support.composed import Composed, docker
from support.machine import BUILT_WITHIN, needed
from support.ports import free_port
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.client import Simulator
    from support.stack import Stack

FOLDER = ROOT / "docs/metrics"
EVERY = "500ms"  # Prometheus asks, and looks at its rules; 15 s where it is for use
WITHIN = 60.0  # seconds


class Prometheus(Client):
    """A Prometheus of our own settings but for its pace, the proxy's address, and that no alert waits."""

    def __init__(self, folder: Path, target: str) -> None:
        folder.mkdir()
        settings = (FOLDER / "prometheus.yaml").read_text()
        assert "proxy:9000" in settings
        settings = settings.replace("proxy:9000", target).replace("interval: 15s", f"interval: {EVERY}")
        rules = re.sub(r"\bfor: \w+", "for: 0s", (FOLDER / "alerts.yaml").read_text())
        (folder / "prometheus.yaml").write_text(settings)
        (folder / "alerts.yaml").write_text(rules)
        port = free_port()
        super().__init__(f"http://127.0.0.1:{port}")
        arguments = [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.path=data", "--log.level=warn"]
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [needed("prometheus"), "--config.file=prometheus.yaml", *arguments], cwd=folder, stdout=log, stderr=log
            )

    def query(self, expression: str) -> list[float]:
        """Ask for what an expression is at this moment; no value is one that is not a number."""
        reply = self.get(f"/api/v1/query?{urlencode({'query': expression})}")
        assert reply.status in (0, 200, 503), reply.text  # it may just be starting
        found = reply.json["data"]["result"] if reply.status == 200 else []
        return [value for value in (float(each["value"][1]) for each in found) if not math.isnan(value)]

    def firing(self) -> set[str]:
        """Say which alerts there are."""
        reply = self.get("/api/v1/alerts")
        alerts: list[dict[str, Any]] = reply.json["data"]["alerts"] if reply.status == 200 else []
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def stop(self) -> str:
        """End it; what it has complained of."""
        self._process.terminate()
        self._process.wait(30)
        return "".join(line for line in self._log.open() if "Received SIGTERM" not in line)


@pytest.fixture
def watched(build: Callable[..., Stack]) -> Callable[[], tuple[Stack, str]]:
    """Start a product with two processes of the proxy, and say where it is watched."""

    def watched() -> tuple[Stack, str]:
        port = free_port()
        return build(METRICS_PORT=str(port), METRICS_OWNERS="yes", PROXY_PROCESSES="2"), f"127.0.0.1:{port}"

    return watched


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[str], Prometheus]]:
    """Let a Prometheus watch what is there."""
    started: list[Prometheus] = []

    def watch(target: str) -> Prometheus:
        started.append(Prometheus(tmp_path / "prometheus", target))
        return started[-1]

    yield watch
    for each in started:
        assert each.stop() == ""


def test_every_panel_shows_something(
    watched: Callable[[], tuple[Stack, str]], watch: Callable[[str], Prometheus], simulator: Simulator
) -> None:
    stack, target = watched()
    stack.start()
    prometheus = watch(target)
    panels = [panel for panel in json.loads((FOLDER / "grafana.json").read_text())["panels"] if panel["type"] != "row"]
    lacking = {
        (panel["title"], asked["expr"].replace("$job", "ollama-proxy").replace("$__rate_interval", "10s"))
        for panel in panels
        for asked in panel["targets"]
    }
    assert len(lacking) > 30

    def is_shown() -> bool:
        """Use the product once more, and see what is still not shown."""
        stack.answer(stack.submit("Why?", options={"num_predict": 3}))
        stack.post("/api/v1/prompt", {"prompt": ""})
        lacking.difference_update({each for each in lacking if prometheus.query(each[1])})
        return not lacking

    until(is_shown, f"all panels show something, but for {sorted(lacking)}", WITHIN)


@pytest.mark.ollama(models=["llama3.2"])
def test_alerts_come_with_what_they_tell_of_and_go_with_it(
    watched: Callable[[], tuple[Stack, str]], watch: Callable[[str], Prometheus], simulator: Simulator
) -> None:
    stack, target = watched()
    worker, proxy = stack.start_worker(), stack.start_proxy()
    until(lambda: stack.queue()["model"]["state"] == "ready", "the model is ready")
    prometheus = watch(target)
    until(lambda: prometheus.query("ollama_proxy_model_ready") == [1], "it is watched", WITHIN)

    def until_firing(*alerts: str) -> None:
        until(lambda: prometheus.firing() == set(alerts), f"{alerts} and no other", WITHIN)

    until_firing()
    simulator.stop()
    until_firing("OllamaProxyModelNotReady")
    simulator.start()
    until_firing()
    stack.kill(worker)
    until_firing("OllamaProxyNoWorker")
    stack.kill(proxy)
    until_firing("OllamaProxyDown")
    stack.start()
    until_firing()


@pytest.mark.timeout(BUILT_WITHIN)
def test_in_containers_the_processes_count_together_for_whoever_is_on_the_network_of_metrics(
    engine: None, tmp_path: Path
) -> None:
    example = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    ours = {"services": {"proxy": example["services"]["proxy"]}, "networks": example["networks"]}
    ours["services"]["proxy"]["environment"]["PROXY_PROCESSES"] = 3
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(ours))
    product = Composed(tmp_path / "compose.yaml")

    def scraped() -> str:
        """Ask from a container beside the proxy's, as Prometheus would."""
        look = "import urllib.request; print(urllib.request.urlopen('http://proxy:9000/metrics').read().decode())"
        network = f"{product.name}_metrics"
        return docker("run", "--rm", "--network", network, "python:3.13-slim", "python", "-c", look)

    try:
        product.start()
        for _ in range(12):
            product.proxy.submit("Why?")

        counted = 'ollama_proxy_http_requests_total{endpoint="/api/v1/prompt",method="POST",status="2xx"} 12.0'
        assert counted in scraped()
        assert "ollama_proxy_http_held_limit 15000.0" in scraped()
        product.restart("proxy")
        until(lambda: product.proxy.get("/healthz").status == 200, "the proxy is back")
        assert counted not in scraped()
    finally:
        product.leave_nothing()
