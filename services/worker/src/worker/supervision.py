"""supervisord, its lines in the form of all others: `python -m worker.supervision` takes supervisord's own options."""

from __future__ import annotations

from supervisor import loggers, supervisord  # type: ignore[import-untyped]

from worker.health import moment

LEVELS = {"CRIT": "CRITICAL", "ERRO": "ERROR", "WARN": "WARNING", "DEBG": "DEBUG"}


class Record(loggers.LogRecord):  # type: ignore[misc]  # supervisord has no types
    """A line of supervisord's. It has no setting for their form: its own times are local, with a comma."""

    def asdict(self) -> dict[str, str]:
        """Tell when, how grave, who, what."""
        told: dict[str, str] = super().asdict()
        level = LEVELS.get(told["levelname"], told["levelname"])
        return told | {"asctime": moment(), "levelname": f"{level} supervisord"}


def main() -> None:
    """Keep the programs of a configuration until a signal comes."""
    loggers.LogRecord = Record
    supervisord.main()


if __name__ == "__main__":
    main()
