"""Configuration is understood or refused in words."""

import re

import pytest
from promptqueue.settings import Misconfigured, read
from proxy.config import LONGEST_BODY, MOST_STREAMS, Config
from proxy.serving import descriptors


@pytest.mark.parametrize("name", ["PROXY_PROCESSES", "MAX_PROMPT_BYTES", "MAX_QUEUE_DEPTH", "MAX_STREAMS"])
@pytest.mark.parametrize("value", ["0", "9223372036854775808"])
def test_a_number_that_would_fit_nowhere_is_named_with_its_bounds(name, value):
    with pytest.raises(Misconfigured, match=f"^{name} must be a whole number from 1 to [0-9]+, got '{value}'"):
        read(Config, {name: value})


def test_no_limit_is_wider_than_what_stands_around_it(service):
    nginx = (service.parent / "frontend/nginx.conf").read_text()

    assert re.findall(r"client_max_body_size (\d+)m;", nginx) == [str(LONGEST_BODY // 1024**2)]
    assert MOST_STREAMS <= descriptors.MOST_CONNECTIONS
