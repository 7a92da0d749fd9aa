"""A command writes its part of a document and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench import section

if TYPE_CHECKING:
    from pathlib import Path


def test_a_part_is_written_anew_and_all_around_it_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n\n<!-- make it -->\nold\n<!-- end -->\n\nafter\n<!-- make other -->\nx\n<!-- end -->\n")

    section.rewrite(page, "make it", ["new", "er"])

    assert page.read_text() == (
        "before\n\n<!-- make it -->\nnew\ner\n<!-- end -->\n\nafter\n<!-- make other -->\nx\n<!-- end -->\n"
    )


@pytest.mark.parametrize("text", ["nothing", "<!-- make it -->\n, without an end", "<!-- end -->\n"])
def test_a_document_without_the_part_is_left_alone(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)

    with pytest.raises(ValueError, match="has no part between"):
        section.rewrite(page, "make it", ["new"])

    assert page.read_text() == text
