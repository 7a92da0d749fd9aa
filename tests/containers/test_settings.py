"""Every setting is named once, with one default, and reaches the process that it is of."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from containers import settings
from promptqueue.settings import read
from proxy.config import Config as ProxyConfig
from worker.config import Config as WorkerConfig

HOST = {"BIND_ADDRESS", "PROXY_PORT", "FRONTEND_PORT"}
OLLAMA = {"OLLAMA_TARGET", "OLLAMA_KEEP_ALIVE", "OLLAMA_CONTEXT_LENGTH", "OLLAMA_VULKAN"}
POSTGRES = {"POSTGRES_PASSWORD_FILE", "POSTGRES_SERVERS", "POSTGRES_URL"}
PASSED_ON = {name for name in settings.passed_on() if name.isupper()}
ELSEWHERE_IN_A_CONTAINER = {"database_url", "ollama_urls"}
OF_THE_IMAGE = {"BIND_ADDRESS", "PROXY_PORT", "PAGE_PATH", "METRICS_ADDRESS"}
"""What the proxy reads and compose.yaml does not hand on: in the container the image settles it."""
RENAMED = {"PUBLISHED_ADDRESS": "BIND_ADDRESS"}
"""What has another name inside the container, where the outer one means something else."""


def test_the_example_names_what_compose_takes_with_the_same_defaults() -> None:
    taken = settings.of_compose()
    taken.pop("COMPOSE_PROJECT_NAME")  # Compose's own

    assert taken == {name: {value} for name, value in settings.of_example().items()}


def test_compose_takes_nothing_without_a_default() -> None:
    taken = re.findall(r"\$\{?(\w+)(?!\w*:\+)", settings.COMPOSE)

    assert taken == re.findall(r"\$\{(\w+):-", settings.COMPOSE)
    assert "env_file" not in settings.COMPOSE


def test_every_setting_of_the_example_has_one_line_that_explains_it() -> None:
    blocks = re.findall(r"((?:^#.*\n)*)^([A-Z_]+)=", settings.EXAMPLE, re.MULTILINE)

    assert {name: comment.count("\n") for comment, name in blocks} == dict.fromkeys(settings.of_example(), 1)


@pytest.mark.parametrize(("service", "config"), [("proxy", ProxyConfig), ("worker", WorkerConfig)])
def test_every_field_of_a_config_is_handed_to_its_service_under_its_own_name(service: str, config: type[Any]) -> None:
    fields = {field.name.upper() for field in dataclasses.fields(config)}

    handed = settings.of_service(service)

    assert set(handed) == fields - (OF_THE_IMAGE if service == "proxy" else set())
    assert all(RENAMED.get(inside, inside) == outside for inside, outside in handed.items())


@pytest.mark.parametrize("config", [ProxyConfig, WorkerConfig])
def test_the_example_says_what_a_config_means_by_default(config: type[Any]) -> None:
    of_example = dataclasses.asdict(read(config, settings.of_example()))

    for name, default in dataclasses.asdict(config()).items():
        if name not in ELSEWHERE_IN_A_CONTAINER:
            assert of_example[name] == default, name


def test_the_example_names_nothing_that_no_process_reads() -> None:
    read_by_ours = {
        field.name.upper() for config in (ProxyConfig, WorkerConfig) for field in dataclasses.fields(config)
    }

    assert (
        set(settings.of_example())
        == (read_by_ours - OF_THE_IMAGE - set(RENAMED)) | HOST | OLLAMA | POSTGRES | PASSED_ON
    )
