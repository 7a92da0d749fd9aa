"""What a sampling profiler told of."""

from bench.profile import looked_at


def test_each_number_ends_a_stack_though_a_name_in_it_was_broken():
    told = (
        "main (/srv/src/worker/main.py:9);run (a.py:1) 12\nmain (b.py:2);torn\n\x00 name (c.py:3) 4\nlast (d.py:4) 1\n"
    )

    assert list(looked_at(told)) == [
        (["main (worker/main.py:9)", "run (a.py:1)"], 12),
        (["main (b.py:2)", "torn\n\x00 name (c.py:3)"], 4),
        (["last (d.py:4)"], 1),
    ]
