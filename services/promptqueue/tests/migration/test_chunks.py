"""Chunks have as many rows as memory and a transaction have room for."""

from promptqueue.migration import chunks


def test_a_chunk_is_full_by_its_rows_or_by_its_texts(monkeypatch):
    monkeypatch.setattr(chunks, "MOST_ROWS", 3)
    monkeypatch.setattr(chunks, "MOST_TEXT", 10)
    rows = [(1, "a"), (2, None), (3, "c"), (4, "d" * 12), (5, "e" * 5), (6, "f" * 5), (7, "g")]

    cut = [[number for number, _ in chunk] for chunk in chunks.chunks(rows)]

    assert cut == [[1, 2, 3], [4], [5, 6], [7]]
