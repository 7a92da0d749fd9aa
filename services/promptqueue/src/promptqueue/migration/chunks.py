"""Chunks: as many rows as share a commit."""

from collections.abc import Iterable, Iterator

from promptqueue.migration.tables import Row

MOST_ROWS = 2_000
MOST_TEXT = 4_000_000  # characters


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into chunks that memory and a transaction have room for, however long their texts are."""
    chunk: list[Row] = []
    length = 0
    for row in rows:
        chunk.append(row)
        length += sum(len(value) for value in row if isinstance(value, str))
        if len(chunk) == MOST_ROWS or length >= MOST_TEXT:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk
