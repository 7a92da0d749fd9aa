"""The ways in which a call ends other than by its answer."""

from http import HTTPStatus


class Refused(Exception):
    """The call is answered with an error: its status and its words (None: an empty body)."""

    def __init__(self, status: int, text: str | None, *, late: bool = False) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.late = late
        """Found only when the slot was free; a stream then carries it chunked and without a charset."""


class ClientGone(Exception):
    """The client closed, reset or half-closed its connection."""


class Malformed(Exception):
    """The bytes are no JSON; the text is what Go's scanner says of them."""


class BadHead(Exception):
    """The request's head is not HTTP as Go reads it: the whole status, and the plain text that is answered with it."""

    def __init__(self, code: int, detail: str = "", text: str = "") -> None:
        super().__init__(f"{code} {HTTPStatus(code).phrase}{detail and ': '}{detail}")
        self.text = text or str(self)


class NotUnderstood(Exception):
    """What the control endpoint was sent makes no sense: where, and why."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
