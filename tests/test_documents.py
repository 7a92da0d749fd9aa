"""What the documents say is so: routes, settings, files, functions, targets, links."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import proxy.config
import pytest
import worker.config
from proxy.app import create_app, parts
from proxy.serving import concurrency
from support import ROOT
from support.machine import needed

CONFIGS = (proxy.config.Config, worker.config.Config)
INTERNAL = {
    "METRICS_ADDRESS": "the proxy's image says with it that its network may read metrics; docs/metrics.md tells more",
    "PUBLISHED_ADDRESS": "compose.yaml says with it what BIND_ADDRESS is outside of the container",
    "PAGE_PATH": "the proxy's image says with it where the page lies; nobody else needs to",
}
NO_FILES = {
    "sqlite.py": "named as the one file that the SQLite backend is not",
}
REGISTRIES = "|".join(
    [
        r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|docker[.]io|ghcr[.]io|quay[.]io|crates[.]io",
        r"(proxy|sum)[.]golang[.]org",  # the others of that name are packages
    ]
)
MACHINES = r"(?<![\w.~])/(work|home/[a-z]\w*|Users/[A-Za-z]\w*|tmp/v)[/]"

PARAMETER = r"<[^>]+>"
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
ENDPOINT = re.compile(r"`([A-Z]+ /[^`]*)`")
OWN = r" /(api/v1/.*|healthz|readyz|metrics|openapi\.json|)$"
NOT_SERVED = (
    r" /api/(create|copy|push|delete|blobs/{id}|me|signout|web_search|web_fetch|experimental/{id}|embed|embeddings)$"
    r"| /v1/(|{id}|embeddings|responses/compact)$|GET /v1/responses$"
)
"""What other protocols have and this product has not: it says so, in their words."""
FILE = r"[\w./-]+\.(?:py|sql|html|conf|toml|yaml|md|mjs)"


def test_every_route_stands_in_the_readme_and_nothing_else_does(tmp_path: Path) -> None:
    app = create_app(proxy.config.Config(database_url=f"sqlite:///{tmp_path}/queue.db"), concurrency.current())
    served = {
        f"{method} {re.sub(PARAMETER, '{id}', rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    parts(app).close()

    own = {named for cell in table("README.md", "endpoint") for named in ENDPOINT.findall(cell)}
    of_others = {named for *_, cell in table("README.md", "protocol", columns=3) for named in ENDPOINT.findall(cell)}

    assert own == {route for route in served if re.search(OWN, route)}
    assert of_others <= served
    assert {route for route in served - own - of_others if not re.search(NOT_SERVED, route)} == set()


def test_every_test_that_a_document_names_is_there() -> None:
    sources = [
        path for folder in ("services", "ollama", "bench", "tests") for path in (ROOT / folder).rglob("test_*.py")
    ]
    found = [re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE) for path in sources]
    there = {name for names in found for name in names}

    named = {name for document in DOCUMENTS for name in re.findall(r"`(test_\w+)`", (ROOT / document).read_text())}

    assert named - there == set()
    assert len(named) > 40


def test_every_setting_stands_in_the_readme_and_nothing_else_does() -> None:
    read = {each.name.upper() for config in CONFIGS for each in fields(config)} - set(INTERNAL)

    documented = {name for cell in table("README.md", "setting") for name in re.findall(r"`([A-Z_]+)`", cell)}

    assert read <= documented
    assert documented <= read | composed()


def test_the_readme_tells_every_default() -> None:
    rows = table("README.md", "setting", columns=2)

    for config in CONFIGS:
        for each in fields(config):
            if each.name.upper() not in INTERNAL:
                [told] = (default for names, default in rows if f"`{each.name.upper()}`" in names)
                assert written(each.default) in told.replace("`", ""), each.name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    named = set(re.findall(rf"`({FILE})`", read(document))) - set(NO_FILES)
    paths = [f"/{path.relative_to(ROOT)}" for path in files()]

    assert [name for name in sorted(named) if not any(path.endswith(f"/{name}") for path in paths)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_folder_that_a_document_names_exists(document: str) -> None:
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*/)`", read(document)))
    folders = {f"/{parent}/" for path in files() for parent in path.relative_to(ROOT).parents}

    assert [name for name in sorted(named) if not any(folder.endswith(f"/{name}") for folder in folders)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_function_that_a_document_names_is_where_it_says(document: str) -> None:
    named = re.findall(rf"`({FILE})`: ((?:`[\w.]+`(?:, )?)+)", read(document))
    missing = [
        f"{file}: {name}"
        for file, names in named
        for name in re.findall(r"`([\w.]+)`", names)
        if name not in defined(ROOT / file)
    ]

    assert missing == []


def test_every_row_of_the_threat_model_names_tests_that_there_are() -> None:
    rows = table("docs/security.md", "who", columns=4)
    held = {who: re.findall(r"`((?:services|tests)/[^`]+)`", cell) for who, *_, cell in rows}

    assert len(rows) > 10
    assert [who for who, named in held.items() if not named] == []
    assert [name for named in held.values() for name in named if not (ROOT / name).exists()] == []


def test_changelog_packages_and_images_tell_the_same_version() -> None:
    released = re.findall(r"(?m)^## (\d.+)$", read("CHANGELOG.md"))[0]
    packages = [
        re.findall(r'(?m)^version = "(.+)"$', each.read_text()) for each in ROOT.glob("services/*/pyproject.toml")
    ]
    images = [re.findall(r"(?m)^ARG VERSION=(.+)$", each.read_text()) for each in files() if each.name == "Dockerfile"]

    assert packages == [[released]] * 3
    assert images == [[released]] * 4


def test_the_path_of_a_prompt_has_nine_steps() -> None:
    steps = re.findall(r"^\| (\d) \| .*`services/.*`: `", read("README.md"), re.MULTILINE)

    assert steps == list("123456789")


def test_make_help_names_every_target_that_a_document_names() -> None:
    told = subprocess.run([needed("make"), "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^ +make ([a-z0-9-]+) +\S", told, re.MULTILINE))

    named = {
        target
        for document in DOCUMENTS
        for code in re.findall(r"```.*?```|`[^`]+`", read(document), re.DOTALL)
        for target in re.findall(r"(?:^|`|\n|\$ )make (?:[A-Z_]+=\S+ )*([a-z0-9-]+)", code)
    }

    assert {"run", "demo", "test"} <= named
    assert named <= targets


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINES], ids=["registry", "machine"])
def test_no_file_names_a_package_registry_or_a_path_of_one_machine(pattern: str) -> None:
    naming = []
    for path in files():
        text = path.read_bytes().decode(errors="replace")
        naming += [f"{path.relative_to(ROOT)}: {found.group()}" for found in re.finditer(pattern, text)]

    assert naming == []


def test_every_relative_link_leads_somewhere() -> None:
    broken = []
    for path in files():
        if path.suffix == ".md":
            for link in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text())):
                target, _, anchor = link.partition("#")
                if re.match(r"[a-z]+:", link):
                    continue
                linked = path.parent / target if target else path
                if not linked.exists() or (anchor and anchor not in anchors(linked.read_text())):
                    broken.append(f"{path.relative_to(ROOT)}: {link}")

    assert broken == []


def read(document: str) -> str:
    return (ROOT / document).read_text()


def table(document: str, heading: str, columns: int = 1) -> list[Any]:
    """The first column of the table whose first heading this is, or the first few."""
    lines = read(document).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows: list[Any] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.split("|")[1:]]
        rows.append(cells[0] if columns == 1 else tuple(cells[:columns]))
    return rows


def composed() -> set[str]:
    """Variables that only the compose files read."""
    named = {name for path in ROOT.glob("compose*.yaml") for name in re.findall(r"\$\{([A-Z_]+)", path.read_text())}
    return named - {each.name.upper() for config in CONFIGS for each in fields(config)}


def written(default: Any) -> str:
    match default:
        case tuple():
            return ",".join(getattr(each, "url", each) for each in default)
        case float():
            return f"{default:g}"
        case _:
            return str(default)


def files() -> Iterator[Path]:
    """Every file of the repository: what lies here, but for what .gitignore names."""
    ignored = {".git", *(line.strip("/") for line in read(".gitignore").splitlines())}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ignored and not name.endswith(".egg-info")]
        yield from (Path(folder) / name for name in names if name not in ignored)


def defined(path: Path) -> set[str]:
    """Names of functions and classes in a file; of methods with and without their class."""
    text = path.read_text()
    if path.suffix != ".py":
        return set(re.findall(r"(?:function|const|let) (\w+)", text))
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return names


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
