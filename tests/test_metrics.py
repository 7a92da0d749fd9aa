"""docs/metrics/: the alerts, the dashboard and Prometheus's own settings, as its tools and Grafana will read them."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections import defaultdict
from typing import Any

import pytest
import yaml
from support import ROOT
from support.machine import needed

FOLDER = ROOT / "docs/metrics"
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
LISTED = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
METRIC = r"\bollama_proxy_\w+"


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [needed("promtool", package="prometheus"), *arguments]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)


def named(text: str) -> set[str]:
    """The metrics that an expression names, as the documents do."""
    found = set(re.findall(METRIC, text))
    return {name if name in LISTED else re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


@pytest.mark.parametrize(
    "command",
    [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml"), ("check", "config", "prometheus.yaml")],
    ids=" ".join,
)
def test_prometheus_own_tool_finds_nothing_wrong(command: tuple[str, ...]) -> None:
    done = promtool(*command)

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_seen_to_fire_and_not_to_fire() -> None:
    [group] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    seen: dict[str, set[bool]] = defaultdict(set)
    for case in yaml.safe_load((FOLDER / "alerts.test.yaml").read_text())["tests"]:
        for expected in case["alert_rule_test"]:
            seen[expected["alertname"]].add(bool(expected["exp_alerts"]))

    assert seen == {rule["alert"]: {True, False} for rule in group["rules"]}


def test_alerts_and_dashboard_ask_for_no_metric_that_there_is_not() -> None:
    asked = named((FOLDER / "alerts.yaml").read_text()) | named((FOLDER / "grafana.json").read_text())

    assert asked <= LISTED
    assert LISTED - asked == set(), "told and shown nowhere"


def test_each_panel_says_what_it_shows_and_stands_where_no_other_does() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place: dict[str, Any] = panel["gridPos"]
        across, down = (range(place[at], place[at] + place[size]) for at, size in (("x", "w"), ("y", "h")))
        cells = set(itertools.product(across, down))
        assert max(across) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_dashboard_works_with_whichever_prometheus_and_job_is_chosen() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}

    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert named(variables["job"]["definition"]) <= LISTED
    for panel in PANELS:
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert re.findall(rf"{METRIC}(.{{0,13}})", target["expr"])
            assert all(rest.startswith('{job="$job"') for rest in re.findall(rf"{METRIC}(.*?}})", target["expr"]))
