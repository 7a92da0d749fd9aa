"""Quotas: what is refused because its owner has as much as it may have, and in which words."""

from collections.abc import Collection

from promptqueue.errors import QuotaExceeded
from promptqueue.owners.owner import Holdings, Limits

DAY = 24 * 3600.0  # seconds


def refuse(has: Holdings, sizes: Collection[int], limits: Limits, *, wall: float) -> None:
    """Refuse more prompts of an owner, with texts of these sizes in bytes, beyond its limits. Raises QuotaExceeded.

    `wall` is the moment, in seconds since the epoch.
    """
    if limits.waiting is not None and has.waiting + len(sizes) > limits.waiting:
        message = (
            f"Of your prompts {has.waiting} wait, and {limits.waiting} may: "
            "wait until one of them has been started, or cancel one."
        )
        raise QuotaExceeded(message, limit="waiting")
    if limits.stored_bytes is not None and has.stored_bytes + sum(sizes) > limits.stored_bytes:
        message = (
            f"Your prompts and answers take {has.stored_bytes:,} bytes, and {limits.stored_bytes:,} is the most "
            "they may: delete some that are done with, or wait until older ones are erased."
        )
        raise QuotaExceeded(message, limit="stored_bytes")
    if limits.tokens_a_day is not None and has.tokens_today >= limits.tokens_a_day:
        message = (
            f"The model wrote {has.tokens_today} tokens for you today, and {limits.tokens_a_day} is the most it does "
            "in a day: ask again after midnight, UTC."
        )
        raise QuotaExceeded(message, limit="tokens_a_day", retry_after=DAY - wall % DAY)
