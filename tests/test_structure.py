"""What `make lint` says of classes and folders that have outgrown their limits."""

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("structure", Path(__file__).parent.parent / "local/structure.py")
structure = importlib.util.module_from_spec(spec)
spec.loader.exec_module(structure)

FIELDS = "\n".join(f"        self.f{n} = {n}" for n in range(13))
LINES = "\n".join(f"    v{n} = {n}" for n in range(200))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (f"class A:\n    def __init__(self):\n{FIELDS}\n", ["a.py: A has 13 fields; 12 are the limit."]),
        (f"class A:\n{LINES}\n", ["a.py: A has 201 lines; 200 are the limit."]),
        (f"class A(Protocol):\n{LINES}\n", []),
        (f"class A:\n    def __init__(self):\n{FIELDS[: FIELDS.rindex(chr(10))]}\n", []),
    ],
)
def test_a_class_has_at_most_so_many_lines_and_fields(source, found, tmp_path):
    (tmp_path / "a.py").write_text(source)

    assert list(structure.findings(tmp_path)) == found


def test_a_folder_has_at_most_so_many_modules(tmp_path):
    for name in ("__init__", "__main__", *(f"m{n}" for n in range(12))):
        (tmp_path / f"{name}.py").touch()
    assert list(structure.findings(tmp_path)) == []

    (tmp_path / "one_more.py").touch()

    assert list(structure.findings(tmp_path)) == [". has 13 modules; 12 are the limit."]
