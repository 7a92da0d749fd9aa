"""What compose.postgres.yaml makes of compose.yaml, as Compose itself understands it. No engine is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from containers import settings
from containers.test_compose import OLLAMAS, PRODUCT
from containers.test_compose import config as plain
from support.composed import compose

pytestmark = pytest.mark.usefixtures("compose_client")

FILES = ("--file", "compose.yaml", "--file", "compose.postgres.yaml")
OURS = ("proxy", "worker")
ADDED = {"postgres", "password"}


def config(*profiles: str, **variables: str) -> Any:
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    return json.loads(compose(*FILES, *chosen, "config", "--format", "json", **variables))


@pytest.mark.parametrize("profile", ["cpu", "gpu-nvidia", "gpu-amd", "gpu-vulkan", "external"])
def test_every_profile_has_the_server_beside_what_it_has_without_it(profile: str) -> None:
    assert set(config(profile)["services"]) == set(plain(profile)["services"]) | ADDED
    assert set(config()["services"]) == set(plain()["services"]) | ADDED


def test_proxy_and_worker_find_the_queue_in_it_and_know_how_to_speak_with_it() -> None:
    services = config()["services"]

    for name in OURS:
        url = services[name]["environment"]["DATABASE_URL"]
        assert url == "postgresql://promptqueue@postgres/promptqueue?password_file=/run/password/postgres"
        assert services[name]["build"]["args"] == {"POSTGRES": "1"}


def test_what_else_they_are_told_is_what_they_are_told_without_it() -> None:
    without, within = plain()["services"], config()["services"]

    for name in OURS:
        same = set(without[name]["environment"].items()) - set(within[name]["environment"].items())
        assert {variable for variable, _ in same} == {"DATABASE_URL"}
    assert {name: within[name] for name in ("ollama",)} == {name: without[name] for name in ("ollama",)}


def test_an_image_that_knows_postgresql_takes_the_place_of_none_that_does_not() -> None:
    named = [config(COMPOSE_PROJECT_NAME="mine")["services"][name] for name in OURS]

    assert [each["image"] for each in named] == ["mine-proxy:postgres", "mine-worker:postgres"]
    assert {each["pull_policy"] for each in named} == {"never"}  # it is built here
    assert all("args" not in plain()["services"][name]["build"] for name in OURS)


def test_the_file_on_the_volume_is_left_out() -> None:
    told = config()

    assert all([each["source"] for each in told["services"][name]["volumes"]] == ["password"] for name in OURS)
    assert set(told["volumes"]) == {"models", "password", "postgres"}


def test_the_doors_are_those_of_nginx_so_that_there_can_be_several_proxies_and_workers() -> None:
    services = config(PROXY_PORT="8001", FRONTEND_PORT="8081", BIND_ADDRESS="127.0.0.2")["services"]

    doors = [(port["host_ip"], port["published"], port["target"]) for port in services["frontend"]["ports"]]
    assert doors == [("127.0.0.2", "8001", 8080), ("127.0.0.2", "8081", 8080)]
    assert {name for name, service in services.items() if "ports" in service} == {"frontend"}
    assert all("container_name" not in services[name] for name in OURS)


def test_the_server_is_reached_by_proxy_and_worker_alone_and_reaches_nothing_else() -> None:
    told = config("*")
    networks = {name: set(service.get("networks", ())) for name, service in told["services"].items()}

    assert {name for name, joined in networks.items() if "database" in joined} == {"postgres", *OURS}
    assert networks["postgres"] == {"database"}
    assert networks["proxy"] == {"edge", "database"}
    assert networks["worker"] == {"inference", "database"}
    assert told["networks"]["database"]["internal"] is True


def test_the_server_is_hardened_as_everything_is() -> None:
    server, proxy = (config()["services"][name] for name in ("postgres", "proxy"))

    same = ("cap_drop", "security_opt", "logging", "restart", "init", "read_only")
    assert {key: server[key] for key in same} == {key: proxy[key] for key in same}
    assert server["user"] == "postgres"
    assert server["pids_limit"] > 200  # each connection is a process
    assert int(server["mem_limit"]) > 0
    assert "pg_isready" in server["healthcheck"]["test"]
    assert server["stop_grace_period"] == "1m0s"
    assert {name for name, service in config()["services"].items() if "depends_on" in service} == {"postgres"}


def test_the_password_is_on_a_volume_of_those_who_need_it_and_only_its_maker_writes_there() -> None:
    mounted = {
        (name, bool(volume.get("read_only")))
        for name, service in config()["services"].items()
        for volume in service.get("volumes", [])
        if volume["source"] == "password"
    }

    assert mounted == {("password", False), *((name, True) for name in ("postgres", *OURS))}


def test_whoever_makes_the_password_reaches_nothing_and_is_over_soon() -> None:
    maker, proxy = (config()["services"][name] for name in ("password", "proxy"))

    same = ("cap_drop", "security_opt", "logging", "read_only")
    assert {key: maker[key] for key in same} == {key: proxy[key] for key in same}
    assert (maker["network_mode"], maker["restart"]) == ("none", "no")


def test_a_password_of_ones_own_is_a_secret_of_its_maker_alone_and_stands_nowhere(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("in nobody's environment")

    told = config(POSTGRES_PASSWORD_FILE=str(password))

    assert told["secrets"]["postgres_password"]["file"] == str(password)
    assert {name for name, service in told["services"].items() if "secrets" in service} == {"password"}
    assert password.read_text() not in json.dumps(told)


def test_a_server_that_is_there_already_takes_the_place_of_the_one_here() -> None:
    elsewhere = "postgresql://queue@db.example/queue?sslmode=verify-full&password_file=/run/password/postgres"

    services = config(POSTGRES_URL=elsewhere, POSTGRES_SERVERS="0")["services"]

    assert {services[name]["environment"]["DATABASE_URL"] for name in OURS} == {elsewhere}
    assert services["postgres"]["scale"] == 0
    assert config()["services"]["postgres"]["scale"] == 1


def test_nothing_else_is_changed() -> None:
    assert set(config("*")["services"]) == PRODUCT | {*OLLAMAS} | ADDED
    assert config()["services"]["frontend"] == plain()["services"]["frontend"] | {
        "ports": config()["services"]["frontend"]["ports"]
    }


def test_a_copy_of_the_example_of_all_settings_changes_nothing() -> None:
    assert config(**settings.of_example()) == config()
