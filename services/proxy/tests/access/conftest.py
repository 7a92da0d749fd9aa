"""What the tests of rights share: keys."""

from __future__ import annotations

import pytest
from promptqueue.owners.key import Role, new_key


@pytest.fixture
def key(queue):
    """Make a key; the headers of whoever has it."""

    def key(owner, role=Role.USER, expires_at=None):
        made = new_key()
        queue.add_key(made, owner=owner, role=role, expires_at=expires_at)
        return {"Authorization": f"Bearer {made.secret}"}

    return key


@pytest.fixture
def name_of():
    """Give the name of the key that these headers hold."""
    return lambda headers: headers["Authorization"].split("_")[1]
