"""The example of a compose.override.yaml, laid over compose.yaml and started."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.composed import Composed, docker
from support.machine import BUILT_WITHIN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(BUILT_WITHIN)
def test_the_stack_with_every_case_of_the_example_answers(engine: None, tmp_path: Path) -> None:
    certificate, models, override = tmp_path / "company.pem", tmp_path / "models", tmp_path / "compose.override.yaml"
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "key.pem"), "-subj", "/CN=company"]
    subprocess.run(["openssl", "req", "-x509", *key, "-out", str(certificate)], capture_output=True, check=True)
    certificate.chmod(0o644)
    models.mkdir()
    models.chmod(0o777)
    text = (ROOT / "compose.override.example.yaml").read_text()
    product = Composed(override)
    others = f"{product.name}-others"
    for there, here in (
        ("./company.pem", str(certificate)),
        ("/mnt/large/models", str(models)),
        ("external: true", f"external: true\n    name: {others}"),
        ("cpus: 6", "cpus: 1"),  # no machine of a test has to have more
    ):
        assert there in text
        text = text.replace(there, here)
    override.write_text(text)
    docker("network", "create", others)
    try:
        product.start()
        product.until_ready()

        assert product.answer(product.ask("Answered as ever.", tokens=5))
        told = product.run_in("worker", "sh", "-c", "cat $OLLAMA_CA_FILE")
        assert told.stdout == certificate.read_text()
        look = "import urllib.request; print(urllib.request.urlopen('http://proxy:8000/healthz').status)"
        assert docker("run", "--rm", "--network", others, "python:3.13-slim", "python", "-c", look) == "200\n"
        assert list(models.iterdir())
    finally:
        product.leave_nothing()
        docker("network", "rm", others)
