import time
from pathlib import Path

import pytest
from promptqueue.machine import clock as clock_module
from promptqueue.machine.clock import Clock


def test_the_monotonic_clock_is_the_one_that_all_processes_of_a_kernel_share(child):
    before = Clock().monotonic()

    [there] = child("from promptqueue.machine.clock import Clock; print(Clock().monotonic())").output()

    assert before <= float(there) <= Clock().monotonic()
    assert abs(Clock().monotonic() - time.clock_gettime(time.CLOCK_MONOTONIC)) < 1


def test_the_wall_clock_is_the_machines():
    assert abs(Clock().wall() - time.time()) < 1


def test_the_clock_that_nobody_sets_counts_sleep_and_is_the_same_for_every_process(child):
    before = Clock().elapsed()

    [there] = child("from promptqueue.machine.clock import Clock; print(Clock().elapsed())").output()

    assert before <= float(there) <= Clock().elapsed()
    assert abs(Clock().elapsed() - time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))) < 1


def test_the_boot_is_the_same_for_every_process(child):
    [there] = child("from promptqueue.machine.clock import Clock; print(Clock().boot)").output()

    assert there == Clock().boot
    assert there


@pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").exists(), reason="this kernel names no boots")
def test_the_boot_is_the_one_that_the_kernel_names():
    assert Clock().boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_platform_that_does_not_tell_its_boot_is_refused(monkeypatch):
    monkeypatch.setattr(clock_module.Path, "exists", lambda _: False)
    monkeypatch.setattr(clock_module.sys, "platform", "plan9")

    with pytest.raises(OSError, match="plan9 does not name it"):
        clock_module._boot.__wrapped__()
