"""What this machine has, and what becomes of a test that needs more."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

BUILT_WITHIN = 1800  # seconds; the first build on a machine fetches every base image


def unable(reason: str) -> NoReturn:
    """Skip, or fail where nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
