"""Write what each image is made of into sbom/, as CycloneDX: base images, packages, hashes, licences, who needs whom.

It is read from the files that the images are built from; licences and needs are those that the installed packages tell.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
IMAGES = {
    "frontend": "services/frontend",
    "proxy": "services/proxy",
    "worker": "services/worker",
    "ollama": "ollama",
}
"""Each image, and the folder of its Dockerfile."""
OURS = ["promptqueue"]
"""Packages of the repository that an image has beside its own."""
ON_REQUEST = "postgres"
"""Requirements that are in an image only where it was built with POSTGRES=1."""


def main() -> int:
    (ROOT / "sbom").mkdir(exist_ok=True)
    for image, folder in IMAGES.items():
        bill = written(image, ROOT / folder)
        if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill):
            print(f"The bill of {image} is not as CycloneDX wants it: {wrong}", file=sys.stderr)
            return 1
        path = ROOT / "sbom" / f"{image}.cdx.json"
        path.write_text(bill + "\n", encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


def written(image: str, folder: Path) -> str:
    """Give the bill of an image."""
    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
    name = f"ollama-proxy-{image}"
    root = Component(name=name, version=version(dockerfile), type=ComponentType.CONTAINER, bom_ref=name)
    bom = Bom()
    bom.metadata.component = root
    parts = [*bases(dockerfile)]
    requirements = ROOT / f"requirements/{image}.txt"
    if requirements.exists():
        parts += [ours(name) for name in (*OURS, image)] + [*packages(requirements.read_text(encoding="utf-8"))]
        there = {part.name for part in parts}
        more = packages((ROOT / f"requirements/{ON_REQUEST}.txt").read_text(encoding="utf-8"), ComponentScope.OPTIONAL)
        parts += [part for part in more if part.name not in there]
    bom.components.update(parts)
    bom.register_dependency(root, parts)
    by_name = {canonicalize_name(part.name): part for part in parts}
    for name, part in by_name.items():
        bom.register_dependency(part, [by_name[needed] for needed in needs(name) if needed in by_name])
    return JsonV1Dot6(bom).output_as_string(indent=2)


def version(dockerfile: str) -> str:
    return re.findall(r"(?m)^ARG VERSION=(.+)$", dockerfile)[0]


def bases(dockerfile: str) -> Iterator[Component]:
    """Yield the images that an image is built on: each that is no stage of its own."""
    defaults = dict(re.findall(r"(?m)^ARG (\w+)=(\S+)$", dockerfile))
    stages = re.findall(r"(?mi)^FROM (\S+)(?: AS (\S+))?$", dockerfile)
    told = {re.sub(r"\$\{?(\w+)\}?", lambda name: defaults[name[1]], base) for base, _ in stages}
    for base in sorted(told - {name for _, name in stages}):
        tagged, _, digest = base.partition("@sha256:")
        name, _, tag = tagged.partition(":")
        yield Component(
            name=name,
            version=tag,
            type=ComponentType.CONTAINER,
            bom_ref=tagged,
            purl=PackageURL("docker", *name.rpartition("/")[::2], tag),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else [],
        )


def ours(name: str) -> Component:
    project = tomllib.loads((ROOT / f"services/{name}/pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Component(
        name=name,
        version=project["version"],
        type=ComponentType.LIBRARY,
        bom_ref=name,
        licenses=[LicenseExpression("MIT")],
    )


def packages(requirements: str, scope: ComponentScope = ComponentScope.REQUIRED) -> Iterator[Component]:
    """Yield what is pinned, each with the hashes of the files that may be installed for it."""
    for line in requirements.replace("\\\n", " ").splitlines():
        pinned, *hashes = line.split(" --hash=sha256:")
        if not pinned.strip() or pinned.startswith("#"):
            continue
        requirement = Requirement(pinned.strip())
        [at] = requirement.specifier
        purl = PackageURL("pypi", None, canonicalize_name(requirement.name), at.version)
        told = [HashType(alg=HashAlgorithm.SHA_256, content=each.strip()) for each in hashes]
        yield Component(
            name=requirement.name,
            version=at.version,
            type=ComponentType.LIBRARY,
            scope=scope,
            bom_ref=str(purl),
            purl=purl,
            licenses=licences(requirement.name),
            # Where the files lie is whoever installs them's to say.
            external_references=[
                ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(purl)), hashes=told)
            ],
            properties=[Property(name="ollama-proxy:installed-where", value=str(requirement.marker or "everywhere"))],
        )


def licences(name: str) -> list[DisjunctiveLicense | LicenseExpression]:
    """Tell what an installed package says of its licence; nothing of one that is for another system."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    if expression := told.get("License-Expression"):
        return [LicenseExpression(expression)]
    classified = [
        each.rpartition(" :: ")[2] for each in told.get_all("Classifier", []) if each.startswith("License ::")
    ]
    named = told.get("License") or ""
    return [DisjunctiveLicense(name=each) for each in classified or [named] if each and "\n" not in each]


def needs(name: str) -> Iterator[str]:
    try:
        told = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for each in map(Requirement, told):
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            yield canonicalize_name(each.name)


if __name__ == "__main__":
    sys.exit(main())
