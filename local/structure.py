"""Whether the code is still a house to live in: a class has a noun's size, a folder has a room's."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_CLASS = 200  # lines
MOST_FIELDS = 12
MOST_MODULES = 12  # in a folder, beside its __init__.py and __main__.py
NOT_COUNTED = {"__init__.py", "__main__.py"}


def main() -> int:
    """Print each class and folder that has outgrown its limit; the exit code."""
    found = [finding for source in sorted(ROOT.glob("services/*/src")) for finding in findings(source)]
    print("\n".join(found))
    return 1 if found else 0


def findings(source: Path) -> Iterator[str]:
    """Say what has outgrown its limit below `source`, a sentence each."""
    for folder in sorted({file.parent for file in source.rglob("*.py")}):
        modules = [file for file in folder.glob("*.py") if file.name not in NOT_COUNTED]
        if len(modules) > MOST_MODULES:
            yield f"{folder.relative_to(source)} has {len(modules)} modules; {MOST_MODULES} are the limit."
    for file in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not _is_protocol(node):
                yield from (f"{file.relative_to(source)}: {node.name} has {excess}" for excess in _excesses(node))


def _excesses(node: ast.ClassDef) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > LONGEST_CLASS:
        yield f"{lines} lines; {LONGEST_CLASS} are the limit."
    fields = _fields(node)
    if len(fields) > MOST_FIELDS:
        yield f"{len(fields)} fields; {MOST_FIELDS} are the limit."


def _fields(node: ast.ClassDef) -> set[str]:
    """Name what an instance holds and changes; a record of values has as many as the world that it describes."""
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and isinstance(each.value, ast.Name)
        and each.value.id == "self"
    }


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


if __name__ == "__main__":
    sys.exit(main())
