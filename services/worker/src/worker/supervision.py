"""supervisord, its lines in the form of all others: `python -m worker.supervision` takes supervisord's own options."""

from supervisor import loggers, supervisord  # type: ignore[import-untyped]

from worker.health import moment

LEVELS = {"CRIT": "CRITICAL", "ERRO": "ERROR", "WARN": "WARNING", "DEBG": "DEBUG"}


class Record(loggers.LogRecord):  # type: ignore[misc]  # supervisord has no types
    """A line of supervisord's, whose form it has no setting for: its own times are local, with a comma."""

    def asdict(self) -> dict[str, str]:
        """Give time, level, source and message."""
        record: dict[str, str] = super().asdict()
        level = LEVELS.get(record["levelname"], record["levelname"])
        return record | {"asctime": moment(), "levelname": f"{level} supervisord"}


def main() -> None:
    """Keep the programs of a configuration until a signal comes."""
    loggers.LogRecord = Record
    supervisord.main()


if __name__ == "__main__":
    main()
