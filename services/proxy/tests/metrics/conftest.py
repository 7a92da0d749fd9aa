"""A proxy that is watched, and what Prometheus reads of it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

PORT = 9000


class Read:
    """What one scrape has read."""

    def __init__(self, text):
        self.families = {family.name: family for family in text_string_to_metric_families(text)}

    @property
    def samples(self):
        return [sample for family in self.families.values() for sample in family.samples]

    def __call__(self, name, **labels):
        """Give the value of the one sample of this name and labels; None where there is none."""
        found = [one.value for one in self.samples if one.name == f"ollama_proxy_{name}" and one.labels == labels]
        assert len(found) <= 1
        return found[0] if found else None

    def all(self, name, label):
        """Give every value of this name by one of its labels."""
        return {one.labels[label]: one.value for one in self.samples if one.name == f"ollama_proxy_{name}"}


@pytest.fixture
def read():
    """Read what was scraped."""
    return Read


@pytest.fixture
def app(make_app):
    return make_app(metrics_port=PORT)


@pytest.fixture
def at_the_door(client):
    """Ask at METRICS_PORT."""
    return lambda path="/metrics", **more: client.open(path, base_url=f"http://localhost:{PORT}", **more)


@pytest.fixture
def scrape(at_the_door):
    """Read what the application says of itself at this moment."""

    def scrape():
        answer = at_the_door()
        assert answer.status_code == 200, answer.text
        return Read(answer.text)

    return scrape
