"""Quotas: what is refused because its owner has as much as it may have, and in which words."""

from collections.abc import Collection

from promptqueue.errors import QuotaExceeded
from promptqueue.owners.owner import Holdings

DAY = 24 * 3600.0  # seconds


def refuse(
    has: Holdings,
    sizes: Collection[int],
    *,
    wall: float,
    max_waiting: int | None,
    max_own_bytes: int | None,
    max_tokens_a_day: int | None,
) -> None:
    """Refuse more prompts of an owner, with texts of these sizes in bytes, beyond what it may have.

    `wall` is the moment, in seconds since the epoch. Raises QuotaExceeded.
    """
    if max_waiting is not None and has.waiting + len(sizes) > max_waiting:
        message = (
            f"Of your prompts {has.waiting} wait, and {max_waiting} may: "
            "wait until one of them has been started, or cancel one."
        )
        raise QuotaExceeded(message, limit="waiting")
    if max_own_bytes is not None and has.stored_bytes + sum(sizes) > max_own_bytes:
        message = (
            f"Your prompts and answers take {has.stored_bytes:,} bytes, and {max_own_bytes:,} is the most "
            "they may: delete some that are done with, or wait until older ones are erased."
        )
        raise QuotaExceeded(message, limit="stored_bytes")
    if max_tokens_a_day is not None and has.tokens_today >= max_tokens_a_day:
        message = (
            f"The model wrote {has.tokens_today} tokens for you today, and {max_tokens_a_day} is the most it does in "
            "a day: ask again after midnight, UTC."
        )
        raise QuotaExceeded(message, limit="tokens_a_day", retry_after=DAY - wall % DAY)
