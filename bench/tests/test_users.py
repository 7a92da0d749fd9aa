"""Processes that use one queue as they are told: what they do is the contract's, so that any engine will do."""

import pytest

from bench.users import User, Users, together


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/queue.db"


def test_what_several_processes_submit_at_the_same_time_is_all_in_one_line(url):
    with Users(url, 2) as users:
        told = users.do("submit", processes=2, group=4, at_once=True, seconds=0.1)

        assert users[0].do("counts")["queued"] == sum(each["number"] for each in told)
        assert all(each["number"] % 4 == 0 and each["cpu"] > 0 for each in told)


def test_who_hands_over_holds_nothing_in_the_end(url):
    with User(url) as user:
        user.do("fill", number=2_000)
        done = user.do("hand_over", seconds=0.1)["number"]
        counts = user.do("counts")

        assert counts == {"queued": 2_000 - done - 1, "processing": 0, "completed": done + 1}


def test_a_listener_hears_every_token_that_another_process_streams(url):
    with User(url) as speaker, User(url) as listener:
        speaker.do("hold", slots=2)
        spoken, heard = together(
            [
                (speaker, "stream", {"pace": 0.01, "begin_in": 0.3, "seconds": 0.2}),
                (listener, "listen", {"seconds": 1.0}),
            ]
        )

        assert spoken["number"] == len(heard["ms"]) == 40
        assert all(0 < each < 1000 for each in heard["ms"])


def test_a_cycle_leaves_the_line_as_long_as_it_was(url):
    with User(url) as user:
        user.do("fill", number=10)
        user.do("cycle", number=5, writes=2)

        assert user.do("counts") == {"queued": 10, "processing": 0, "completed": 5}


def test_a_process_that_ends_is_not_taken_for_one_that_has_nothing_to_say(url):
    with User(url) as user, pytest.raises(RuntimeError, match="ended with 1"):
        user.do("no such thing")
