"""What is refused because of files: one class, one sentence, one code."""

from promptqueue.errors import PromptQueueError


class QueueMissing(PromptQueueError):
    """There is no queue of this name."""

    code = "no_queue"


class QueueInUse(PromptQueueError):
    """The queue is in use: end every proxy and worker first, and whatever else has its database open."""

    code = "in_use"


class FileInTheWay(PromptQueueError):
    """There is a file of this name already."""

    code = "file_exists"


class NotRestorable(PromptQueueError):
    """The file cannot take the place of the queue's database."""

    code = "not_restorable"
