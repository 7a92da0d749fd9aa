"""What compose.yaml starts, as Compose itself understands it. No engine is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from containers import settings
from support import ROOT
from support.composed import compose
from worker.config import LONGEST_DRAIN

pytestmark = pytest.mark.usefixtures("compose_client")

PRODUCT = {"frontend", "proxy", "worker"}
OLLAMAS = {"ollama": "cpu", "ollama-nvidia": "gpu-nvidia", "ollama-amd": "gpu-amd", "ollama-vulkan": "gpu-vulkan"}
SETTINGS_OF_OLLAMA = {
    "OLLAMA_NUM_PARALLEL": "WORKER_CONCURRENCY",
    "OLLAMA_KEEP_ALIVE": "OLLAMA_KEEP_ALIVE",
    "OLLAMA_CONTEXT_LENGTH": "OLLAMA_CONTEXT_LENGTH",
    "OLLAMA_VULKAN": "OLLAMA_VULKAN",
}
OF_A_GPU = {
    "CUDA_VISIBLE_DEVICES": "1",
    "GGML_VK_VISIBLE_DEVICES": "0",
    "HSA_OVERRIDE_GFX_VERSION": "10.3.0",
    "OLLAMA_IGPU_ENABLE": "1",
    "ROCR_VISIBLE_DEVICES": "0",
}
OF_A_NETWORK = {
    "HTTPS_PROXY": "http://user:p%40ss@proxy.example:3128",
    "HTTP_PROXY": "http://proxy.example:3128",
    "NO_PROXY": ".example,10.0.0.0/8",
    "https_proxy": "http://small.example:3128",
    "http_proxy": "http://small.example:3128",
    "no_proxy": "localhost",
}
PASSED_ON = OF_A_GPU | OF_A_NETWORK
OTHERS = {"DATABASE_URL": "sqlite:////data/other.db", "OLLAMA_URLS": "http://other:1", "OLLAMA_TARGET": "baked"}


def config(*profiles: str, **variables: str) -> Any:
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    return json.loads(compose(*chosen, "config", "--format", "json", **variables))


@pytest.mark.parametrize(
    ("profiles", "ollama"),
    [
        ((), {"ollama"}),
        (("cpu",), {"ollama"}),
        (("gpu-nvidia",), {"ollama-nvidia"}),
        (("gpu-amd",), {"ollama-amd"}),
        (("gpu-vulkan",), {"ollama-vulkan"}),
        (("external",), set()),
    ],
)
def test_each_profile_starts_the_product_with_its_own_ollama_and_no_other(
    profiles: tuple[str, ...], ollama: set[str]
) -> None:
    by_flag = set(config(*profiles)["services"])
    by_variable = set(config(COMPOSE_PROFILES=",".join(profiles))["services"])

    assert by_flag == by_variable == PRODUCT | ollama


def test_only_the_variants_for_a_gpu_ask_for_devices() -> None:
    services = config("*")["services"]

    devices = services["ollama-nvidia"]["deploy"]["resources"]["reservations"]["devices"]
    assert [(one["driver"], one["count"], one["capabilities"]) for one in devices] == [("nvidia", -1, ["gpu"])]
    assert {name for name, service in services.items() if "deploy" in service} == {"ollama-nvidia"}
    # Newer versions of Compose give each device as an object.
    passed = {
        name: [one["source"] if isinstance(one, dict) else one.split(":")[0] for one in service["devices"]]
        for name, service in services.items()
        if "devices" in service
    }
    assert passed == {"ollama-amd": ["/dev/kfd", "/dev/dri"], "ollama-vulkan": ["/dev/dri"]}
    assert services["ollama-amd"]["build"]["args"]["OLLAMA_IMAGE"].endswith("-rocm")


def test_the_variants_of_ollama_cannot_run_side_by_side() -> None:
    services = config("*", COMPOSE_PROJECT_NAME="mine")["services"]

    assert {services[name]["container_name"] for name in OLLAMAS} == {"mine-ollama"}
    assert all(services[name]["networks"] == {"inference": {"aliases": ["ollama"]}} for name in OLLAMAS)
    assert all([volume["source"] for volume in services[name]["volumes"]] == ["models"] for name in OLLAMAS)


def test_each_target_of_each_ollama_has_an_image_of_its_own_that_is_built_here() -> None:
    built = [config("*", OLLAMA_TARGET=target)["services"][name] for target in ("runtime", "baked") for name in OLLAMAS]

    assert len({each["image"] for each in built}) == 4  # two for AMD, two for all others
    assert {each["pull_policy"] for each in built} == {"never"}


def test_every_setting_reaches_its_process() -> None:
    others = {name: f"7{number}" for number, name in enumerate(settings.of_example())} | OTHERS
    others["BIND_ADDRESS"] = others["PUBLISHED_ADDRESS"] = "0.0.0.0"
    services = config("*", **others)["services"]

    assert services["frontend"]["environment"] == {name: others[name] for name in ("BASE_PATH", "ALLOWED_HOSTS")}
    for service in ("proxy", "worker"):
        environment = services[service]["environment"]
        assert environment == {name: others[name] for name in environment}
    for name in OLLAMAS:
        environment = services[name]["environment"]
        ours = {inside: others[outside] for inside, outside in SETTINGS_OF_OLLAMA.items()}
        assert environment == ours | {name: others[name] for name in settings.passed_on() if name in others}
        assert services[name]["build"]["target"] == "baked"
        assert services[name]["build"]["args"]["OLLAMA_MODEL"] == others["OLLAMA_MODEL"]
    for service, port in (("proxy", 8000), ("frontend", 8080)):
        [published] = services[service]["ports"]
        assert published["host_ip"] == "0.0.0.0"
        assert (published["published"], published["target"]) == (others[f"{service.upper()}_PORT"], port)


def test_what_is_of_a_gpu_or_of_the_network_outside_reaches_ollama_and_nobody_else() -> None:
    services = config("*", **PASSED_ON)["services"]

    assert settings.passed_on() == list(PASSED_ON)
    for name, service in services.items():
        reached = {variable: service.get("environment", {}).get(variable) for variable in PASSED_ON}
        assert reached == (PASSED_ON if name in OLLAMAS else dict.fromkeys(PASSED_ON)), name


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_without_a_value_is_not_passed_on(value: str | None) -> None:
    services = config("*", **(dict.fromkeys(PASSED_ON, value) if value is not None else {}))["services"]

    for name in OLLAMAS:
        # An empty HSA_OVERRIDE_GFX_VERSION hides every GPU, and so does an empty list of those that may be seen.
        assert set(services[name]["environment"]) == set(SETTINGS_OF_OLLAMA), name
        assert services[name]["environment"]["OLLAMA_NUM_PARALLEL"] == "1", name


def test_the_example_of_an_override_changes_what_it_says_and_nothing_else() -> None:
    plain = config("*")
    files = ("--file", "compose.yaml", "--file", "compose.override.example.yaml")
    changed = json.loads(compose(*files, "--profile", "*", "config", "--format", "json"))

    services = {name for name in plain["services"] if plain["services"][name] != changed["services"][name]}
    ollama, worker = changed["services"]["ollama"], changed["services"]["worker"]
    assert services == {"ollama", "proxy", "worker"}
    assert set(changed["services"]["proxy"]["networks"]) == {"edge", "others"}
    assert [each["target"] for each in worker["volumes"]] == ["/data", worker["environment"]["OLLAMA_CA_FILE"]]
    assert [each["target"] for each in ollama["volumes"]] == ["/models", ollama["environment"]["SSL_CERT_FILE"]]
    assert plain["services"]["ollama"]["environment"].items() <= ollama["environment"].items()


def test_only_proxy_and_frontend_are_reachable_and_only_from_this_machine() -> None:
    services = config("*")["services"]

    assert {name for name, service in services.items() if "ports" in service} == {"proxy", "frontend"}
    assert {port["host_ip"] for service in services.values() for port in service.get("ports", [])} == {"127.0.0.1"}


@pytest.mark.parametrize("address", [" ", "localhost", "nowhere", "127.0.0.300"])
def test_an_address_that_is_no_ip_address_is_refused_before_anything_starts(address: str) -> None:
    with pytest.raises(AssertionError, match=r"(?i:invalid ip address)"):
        config(BIND_ADDRESS=address)


def test_an_ipv6_address_is_written_in_brackets() -> None:
    services = config(BIND_ADDRESS="[::1]")["services"]

    assert [services[name]["ports"][0]["host_ip"].strip("[]") for name in ("proxy", "frontend")] == ["::1", "::1"]


def test_frontend_and_worker_share_no_network() -> None:
    services = config("*")["services"]
    networks = {name: set(service["networks"]) for name, service in services.items()}

    assert networks["frontend"] == networks["proxy"] == {"edge"}
    assert {name for name, joined in networks.items() if joined == {"inference"}} == {"worker", *OLLAMAS}


def test_the_queue_lies_on_the_disk_of_proxy_and_worker_alone() -> None:
    services = config("*")["services"]
    mounted = {name: {volume["source"] for volume in each.get("volumes", [])} for name, each in services.items()}

    assert {name for name, volumes in mounted.items() if "queue" in volumes} == {"proxy", "worker"}
    assert {volume for volumes in mounted.values() for volume in volumes} == {"queue", "models"}


def test_nothing_waits_for_anything() -> None:
    assert not any("depends_on" in service for service in config("*")["services"].values())


def test_everything_is_hardened() -> None:
    services = config("*")["services"]

    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
        assert service["restart"] == "unless-stopped", name
        assert service["init"] is True, name
        assert "privileged" not in service, name
    for name in PRODUCT:
        assert services[name]["pids_limit"] > 0, name
        assert int(services[name]["mem_limit"]) > 0, name
    assert {name for name, service in services.items() if service.get("read_only")} == PRODUCT | {
        "ollama",
        "ollama-vulkan",
    }
    added = {name: service["cap_add"] for name, service in services.items() if "cap_add" in service}
    assert added == {"ollama-amd": ["DAC_OVERRIDE"], "ollama-vulkan": ["DAC_OVERRIDE", "PERFMON"]}


def test_a_worker_has_longer_to_end_than_its_programs_and_they_than_a_prompt() -> None:
    conf = (ROOT / "services/worker/supervisord.conf").read_text()
    program = int(conf.split("[program:worker]")[1].split("stopwaitsecs=")[1].split()[0])

    assert int(settings.of_example()["DRAIN_SECONDS"]) < LONGEST_DRAIN < program < 30
    assert config()["services"]["worker"]["stop_grace_period"] == "30s"


def test_prometheus_reaches_the_proxy_and_nothing_else_of_the_stack() -> None:
    laid_over = ["--file", "compose.yaml", "--file", "docs/metrics/compose.yaml"]
    services = json.loads(compose(*laid_over, "config", "--format", "json"))["services"]

    assert services["proxy"]["environment"]["METRICS_PORT"] == "9000"
    assert set(services["proxy"]["networks"]) == {"edge", "metrics"}
    assert {name for name, service in services.items() if "metrics" in service["networks"]} == {"proxy", "prometheus"}
    assert set(services["prometheus"]["networks"]) == {"metrics"}
    assert [port["target"] for port in services["proxy"]["ports"]] == [8000]
    assert {port["host_ip"] for port in services["prometheus"]["ports"]} == {"127.0.0.1"}
    mounted = {volume["source"] for volume in services["prometheus"]["volumes"] if volume["type"] == "bind"}
    assert mounted == {str(ROOT / "docs/metrics" / name) for name in ("prometheus.yaml", "alerts.yaml")}
