"""Random sequences of verbs against a model of the queue: whatever happens in whatever order, the promises hold."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine.verbs import Verbs


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_no_sequence_of_verbs_breaks_a_promise(each_backend, clock):
    machine = type("Machine", (Verbs,), {"backend": each_backend, "make_clock": staticmethod(type(clock))})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=50,
            deadline=None,
            derandomize="CI" in os.environ,
            print_blob=True,
            phases=set(Phase) - {Phase.shrink},  # shrinking takes minutes: do it by hand, with the printed blob
            suppress_health_check=list(HealthCheck),
        ),
    )
