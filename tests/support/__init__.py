"""What the tests of all parts share: waiting, clients, processes, and the whole product as it is started."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""
