"""docs/metrics.md lists every metric as it is, and no other."""

import pytest
from promptqueue.condition import Model, ModelState
from support import ROOT


@pytest.fixture
def app(make_app):
    return make_app(metrics_port=9000, metrics_owners="yes")


@pytest.fixture
def scraped(client, submit, worker, scrape):
    """Read everything that there can be."""
    submit()
    worker.describe(Model(name="llama3.2", state=ModelState.READY))
    worker.answer()
    submit()
    client.get("/nowhere")
    return scrape()


def test_it_lists_every_metric_as_it_is_told_and_no_other(scraped):
    rows = [row(family) for family in scraped.families.values()]

    lines = (ROOT / "docs/metrics.md").read_text().splitlines()
    start = lines.index("| metric | type | labels | what it is |") + 2
    listed = lines[start : start + len(rows) + 1]

    assert listed == [*rows, ""], "\n".join(rows)


def row(family):
    labels = {f"`{label}`" for sample in family.samples for label in sample.labels if label != "le"}
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return f"| `{name}` | {family.type} | {', '.join(sorted(labels))} | {family.documentation} |"
