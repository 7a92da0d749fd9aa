"""The bills of materials name what the images are built of, all of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support import ROOT
from test_documents import REGISTRIES

from local import sbom


def bill(image: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sbom.written(image, ROOT / sbom.IMAGES[image]))
    return told


def test_no_image_installs_a_package_without_its_hash() -> None:
    installing = [
        line
        for dockerfile in (*ROOT.glob("services/*/Dockerfile"), ROOT / "ollama/Dockerfile")
        for line in dockerfile.read_text().splitlines()
        if "install" in line and "requirements/" in line
    ]

    assert len(installing) == 6
    assert [line for line in installing if "--require-hashes" not in line] == []


@pytest.mark.parametrize("image", ["proxy", "worker"])
def test_every_pinned_package_is_in_the_bill_with_every_hash(image: str) -> None:
    pinned = (ROOT / f"requirements/{image}.txt").read_text()

    told = bill(image)

    packages = {
        each["purl"]: each
        for each in told["components"]
        if each.get("purl", "").startswith("pkg:pypi/") and each["scope"] == "required"
    }
    assert set(packages) == {
        f"pkg:pypi/{name.lower()}@{version}" for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", pinned)
    }
    hashes = [
        each["content"]
        for package in packages.values()
        for reference in package["externalReferences"]
        for each in reference["hashes"]
    ]
    assert sorted(hashes) == sorted(re.findall(r"--hash=sha256:(\w+)", pinned))


@pytest.mark.parametrize("image", ["proxy", "worker"])
def test_what_an_image_has_only_if_it_is_built_for_postgresql_is_in_the_bill_as_optional(image: str) -> None:
    optional = {each["name"] for each in bill(image)["components"] if each.get("scope") == "optional"}

    assert {"psycopg", "psycopg-binary"} <= optional <= {"psycopg", "psycopg-binary", "typing-extensions"}


@pytest.mark.parametrize(
    ("image", "bases"),
    [
        ("frontend", {"python", "nginxinc/nginx-unprivileged"}),
        ("proxy", {"python"}),
        ("worker", {"python"}),
        ("ollama", {"ollama/ollama"}),
    ],
)
def test_the_images_that_an_image_is_built_on_are_in_its_bill(image: str, bases: set[str]) -> None:
    told = bill(image)

    found = {each["name"]: each["version"] for each in told["components"] if each["type"] == "container"}
    assert set(found) == bases
    dockerfile = (ROOT / sbom.IMAGES[image] / "Dockerfile").read_text()
    assert all(f"{name}:{tag}" in dockerfile for name, tag in found.items())


def test_who_needs_whom_and_under_which_licence_is_told() -> None:
    told = bill("proxy")

    named = {each["bom-ref"]: each["name"].lower() for each in told["components"]}
    needs = {
        named[each["ref"]]: {named[needed] for needed in each.get("dependsOn", [])}
        for each in told["dependencies"]
        if each["ref"] in named
    }
    assert {"werkzeug", "jinja2", "click"} <= needs["flask"]
    assert {"promptqueue", "flask", "gunicorn"} <= needs["proxy"]
    licences = {each["name"].lower(): each.get("licenses") for each in told["components"]}
    assert licences["flask"] == [{"expression": "BSD-3-Clause"}]


@pytest.mark.parametrize("image", sbom.IMAGES)
def test_no_bill_names_a_registry_and_each_thing_has_a_reference_of_its_own(image: str) -> None:
    told = bill(image)

    assert re.findall(REGISTRIES, json.dumps(told)) == []
    references = [each["bom-ref"] for each in (told["metadata"]["component"], *told["components"])]
    assert len(set(references)) == len(references)
    assert [each for each in references if each.startswith("BomRef.")] == []
