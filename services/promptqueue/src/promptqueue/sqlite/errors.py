"""What is refused because of files: one class, one sentence, one code."""

from promptqueue.errors import PromptQueueError


class FileInTheWay(PromptQueueError):
    """There is a file of this name already."""

    code = "file_exists"


class NotRestorable(PromptQueueError):
    """The file cannot take the place of the queue's database."""

    code = "not_restorable"
