"""Errors of calls, as failures that a protocol puts into its own words."""

from proxy.calls.failure import Failure, Kind


class InvalidAsked(Exception):
    """A face has read a request and cannot take it; nothing was queued."""

    def __init__(
        self, message: str, *, param: str | None = None, kind: Kind = Kind.INVALID, code: str = "invalid_request"
    ) -> None:
        """Say what happened, which field is meant if it is one, and what to do."""
        super().__init__(message)
        self.failure = Failure(kind=kind, code=code, message=message, param=param)
