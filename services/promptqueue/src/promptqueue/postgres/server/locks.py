"""Advisory locks: the names under which all processes of a queue know them. They are the database's, not a table's.

Each is two numbers of four bytes (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS).
"""

PRESENCE = 0x70717565
"""Held by a process for as long as it lives, with the number of its presence; `is_alive` in the schema asks for it."""

SLOT = PRESENCE + 1
"""Held by a worker for each slot of a model server that is its own."""

KEYS = PRESENCE + 3
"""Held, until its commit, by who accepts prompts with Idempotency-Keys, by the hash of each."""

OWNERS = PRESENCE + 4
"""Held, until its commit, by who claims a prompt of an owner that may have only so many running, by its number."""

SINGLE = PRESENCE + 2
"""Locks of which there is one each, by the following numbers."""

SCHEMA = 0
"""Held while the schema is made or migrated."""

BOOK = 1
"""Held, until its commit, by who writes into `lanes` and `turns`; who does not get it adds to `charges`."""

FOLDING = 2
"""Held by who folds the ledgers."""

USE = 3
"""Held shared by every process that has the queue open, and alone by who must be alone with it."""

FULL = 4
"""Held, until its commit, by who accepts prompts close to a limit."""
