"""What runs side by side does not meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.ports import free_port
from support.side_by_side import THE_STACK, group

if TYPE_CHECKING:
    import pytest


def test_whoever_uses_the_one_stack_of_containers_runs_in_one_process(request: pytest.FixtureRequest) -> None:
    users = [each.nodeid for each in request.session.items if "in_containers" in each.fixturenames]

    assert [test for test in users if group(test) != THE_STACK] == []
    assert group("tests/e2e/test_journeys.py::test_a_chat[in_containers]") == THE_STACK


def test_the_tests_of_a_file_run_in_one_process_but_where_they_take_long() -> None:
    assert group("tests/test_a.py::test_1") == group("tests/test_a.py::test_2")
    assert group("services/worker/tests/test_a.py::test_1") != group("services/worker/tests/test_a.py::test_2")


def test_no_port_is_given_twice() -> None:
    ports = [free_port() for _ in range(100)]

    assert len(set(ports)) == 100
