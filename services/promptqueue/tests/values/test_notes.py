"""What one reader hears."""

from promptqueue.notes import Subscription, Text


def test_notes_are_heard_once_and_in_order_and_none_before_the_wait_is_missed():
    subscription = Subscription()
    for offset in range(3):
        subscription.put(Text("id", 1, offset, "a"))

    assert [note.offset for note in subscription.wait(5)] == [0, 1, 2]
    assert subscription.wait(0.0) == []
