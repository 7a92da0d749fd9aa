"""The writer: what it commits, what it never commits, and what those who wait for it hear."""

import fcntl
import threading
import time
from contextlib import contextmanager

import pytest
from promptqueue import connect
from promptqueue.errors import Collided, CommitUnknown, QueueFull, StorageUnavailable
from promptqueue.prompt import NewPrompt, Outcome
from promptqueue.sqlite.host.turnstile import Turnstile
from proxy.meter import Meter
from proxy.serving.concurrency import Concurrency
from proxy.storage import writer as writer_module
from proxy.storage.writer import HEAVY, Writer, _Request

NEW = NewPrompt(request={"prompt": "Why?"})


@pytest.fixture
def make_writer(url):
    made = []

    def make(open_queue=lambda: connect(url).open(), **values):
        writer = Writer(open_queue, Concurrency(), Meter(), **values)
        made.append(writer)
        return writer

    yield make
    for writer in made:
        writer.close()


@pytest.fixture
def lock_out(queue, tmp_path):
    """Keep every writer of this database from its turn; what is returned lets them in again."""
    turnstile = Turnstile(tmp_path / "data")

    def lock_out():
        turnstile.enter(5)
        return turnstile.leave

    yield lock_out
    turnstile.close()


class Asking(threading.Thread):
    """Somebody who waits for the writer; what they heard."""

    def __init__(self, writer, verb):
        super().__init__(daemon=True)
        self._do = lambda: writer.do(verb)
        self.error = self.found = None
        self.start()

    def run(self):
        try:
            self.found = self._do()
        except Exception as error:  # noqa: BLE001 (what they heard is what is tested)
            self.error = error

    def heard(self):
        self.join(20)
        assert not self.is_alive()
        return self.error or self.found


def test_what_was_answered_was_committed(make_writer, url):
    [accepted] = make_writer().do(lambda queue: queue.enqueue(NEW))

    assert connect(url).open().get(accepted.prompt.id).status == "queued"


def test_many_submissions_at_once_are_written_without_a_savepoint(make_writer, queue):
    def submit(writers_queue):
        seen = []
        writers_queue._database.files.sqlite.set_trace_callback(seen.append)
        writers_queue.enqueue(*[NEW] * 100)
        return seen

    seen = make_writer().do(submit)

    assert queue.counts().queued == 100
    assert seen
    assert not [statement for statement in seen if "SAVEPOINT" in statement]


def test_what_is_to_be_done_later_shares_the_next_commit_or_is_done_in_the_end(make_writer, url, queue, until):
    writer = make_writer()
    prompts = [writer.do(lambda queue: queue.enqueue(NEW))[0].prompt.id for _ in range(3)]

    def statuses():
        return [str(queue.get(each).status) for each in prompts]

    writer.later(lambda queue: queue.cancel(prompts[0]))
    before = statuses()
    writer.do(lambda queue: queue.cancel(prompts[1]))
    shared = statuses()
    writer.later(lambda queue: queue.cancel("nobody's"))
    writer.later(lambda queue: queue.cancel(prompts[2]))
    writer.close()

    assert (before, shared) == (["queued"] * 3, ["completed", "completed", "queued"])
    assert statuses() == ["completed"] * 3


def ready(writer):
    """Wait until the writer has opened its queue."""
    writer.do(lambda queue: queue.counts())
    return writer


def test_requests_that_wait_together_share_a_commit(make_writer, url, lock_out, queue, until):
    opened = connect(url).open()
    commits, transaction = [], opened.transaction
    opened.transaction = lambda: commits.append(1) or transaction()
    writer = ready(make_writer(lambda: opened))
    commits.clear()

    let_in = lock_out()
    asking = [Asking(writer, lambda queue: queue.enqueue(NEW))]
    until(lambda: commits)  # the first waits for its turn
    asking += [Asking(writer, lambda queue: queue.enqueue(NEW)) for _ in range(20)]
    until(lambda: len(writer._line) == 20)
    let_in()

    assert not any(isinstance(one.heard(), Exception) for one in asking)
    assert queue.counts().queued == 21
    assert len(commits) == 2


@pytest.fixture
def batches(make_writer, url, lock_out, until):
    """Have requests of these weights wait together; how many shared each commit, in the order of the commits."""

    def batches(*weights):
        opened = connect(url).open()
        commits, transaction = [], opened.transaction
        opened.transaction = lambda: commits.append(0) or transaction()
        writer = ready(make_writer(lambda: opened))
        done = []

        def verb(number):
            def run(_queue):
                commits[-1] += 1
                done.append(number)

            return run

        commits.clear()
        let_in = lock_out()
        first = Asking(writer, verb(None))
        until(lambda: commits)  # the first waits for its turn, and the others will come together
        requests = [_Request(verb(number), weight) for number, weight in enumerate(weights)]
        writer._line.extend(requests)
        let_in()
        assert first.heard() is None
        assert all(request.done.wait(20) for request in requests)
        assert done == [None, *range(len(weights))]
        return commits[1:]

    return batches


def test_a_transaction_ends_at_256_requests(batches):
    assert batches(*[0] * 600) == [256, 256, 88]


def test_a_transaction_ends_at_four_megabytes(batches):
    assert batches(*[1_000_000] * 10) == [4, 4, 2]


def test_what_is_heavier_than_a_transaction_has_one_to_itself(batches):
    assert batches(1, 30_000_000, 1, 1, 4_000_001, 3_999_999, 1) == [1, 1, 2, 1, 2]


def test_others_have_their_turn_between_the_transactions_of_a_heavy_burst(make_writer, url, queue, tmp_path, until):
    opened = connect(url).open()
    transaction, waiting_at = opened.transaction, []
    other = threading.Thread(target=lambda: queue.enqueue(NEW))

    def is_waited_for():
        with (tmp_path / "data" / "turn.lock").open() as turn:
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextmanager
    def noted():
        with transaction():
            waiting_at.append(opened.counts().queued)
            if len(waiting_at) == 1:
                other.start()
                until(is_waited_for)
            yield

    writer = ready(make_writer(lambda: opened))
    opened.transaction = noted
    requests = [_Request(lambda queue: queue.enqueue(NEW), HEAVY) for _ in range(4)]

    writer._line.extend(requests)
    writer._came.set()

    assert all(request.done.wait(20) for request in requests)
    other.join(20)
    assert waiting_at == [0, 2, 3, 4]  # the other came during the first, and was committed before the second


def test_a_refusal_is_its_own_and_spoils_no_other(make_writer, lock_out, queue):
    writer = ready(make_writer())
    let_in = lock_out()
    asking = [Asking(writer, lambda queue: queue.enqueue(NEW, max_queued=3)) for _ in range(5)]

    let_in()

    heard = [one.heard() for one in asking]
    assert sum(isinstance(one, QueueFull) for one in heard) == 2
    assert queue.counts().queued == 3


def test_a_mistake_in_one_verb_spoils_no_other(make_writer, lock_out, queue):
    writer = ready(make_writer())
    let_in = lock_out()
    wrong = Asking(writer, lambda _: 1 / 0)
    right = Asking(writer, lambda queue: queue.enqueue(NEW))

    let_in()

    assert isinstance(wrong.heard(), ZeroDivisionError)
    assert len(right.heard()) == 1
    assert queue.counts().queued == 1


def test_a_request_that_waited_too_long_is_abandoned_and_never_committed(make_writer, lock_out, queue):
    writer = ready(make_writer(patience=0.2))
    let_in = lock_out()

    start = time.monotonic()
    abandoned = Asking(writer, lambda queue: queue.enqueue(NEW)).heard()
    took = time.monotonic() - start
    let_in()
    writer.close()  # everything it was given has had its turn by then

    assert isinstance(abandoned, StorageUnavailable)
    assert took < 3  # the writer itself waits longer for its turn
    assert queue.counts().queued == 0


def test_a_request_that_was_started_is_waited_for(make_writer):
    writer = make_writer(patience=1.0)
    writer.do(lambda queue: queue.counts())
    started, go_on = threading.Event(), threading.Event()

    asking = Asking(writer, lambda queue: started.set() or (go_on.wait(10) and queue.enqueue(NEW)))
    started.wait(10)
    asking.join(1.5)
    assert asking.is_alive()
    go_on.set()

    assert len(asking.heard()) == 1


def test_a_commit_that_does_not_end_in_time_is_called_unknown_and_not_given_up(make_writer, url, queue, until):
    opened, go_on = connect(url).open(), threading.Event()
    transaction = opened.transaction

    @contextmanager
    def slow():
        with transaction():
            yield
            go_on.wait(10)

    writer = ready(make_writer(lambda: opened, patience=0.1))
    opened.transaction = slow
    unknown = Asking(writer, lambda queue: queue.enqueue(NEW)).heard()
    go_on.set()

    assert isinstance(unknown, CommitUnknown)
    until(lambda: queue.counts().queued == 1)


def test_a_transaction_that_met_another_is_run_once_more(make_writer, url, queue):
    opened, met = connect(url).open(), []
    transaction = opened.transaction

    @contextmanager
    def meets_another():
        with transaction():
            yield
            if not met:
                met.append(1)
                raise Collided

    writer = ready(make_writer(lambda: opened))
    opened.transaction = meets_another
    [accepted] = Asking(writer, lambda queue: queue.enqueue(NEW)).heard()

    assert met
    assert [prompt.id for prompt in queue.newest().prompts] == [accepted.prompt.id]


def test_a_transaction_that_meets_others_again_and_again_is_given_up(make_writer, url, queue):
    opened = connect(url).open()
    transaction = opened.transaction

    @contextmanager
    def meets_others():
        with transaction():
            yield
            raise Collided

    writer = ready(make_writer(lambda: opened))
    opened.transaction = meets_others

    assert isinstance(Asking(writer, lambda queue: queue.enqueue(NEW)).heard(), Collided)
    assert queue.counts().queued == 0


def test_a_commit_that_fails_is_heard_by_everybody_who_waited_for_it(make_writer, lock_out, queue, url):
    broken = connect(url).open()
    writer = ready(make_writer(lambda: broken))
    let_in, execute = lock_out(), broken._database.files.execute

    def execute_until_commit(statement, values=None):
        if statement == "COMMIT":
            raise StorageUnavailable("the disk is full")
        return execute(statement, values)

    broken._database.files.execute = execute_until_commit
    asking = [Asking(writer, lambda queue: queue.enqueue(NEW)) for _ in range(5)]
    let_in()

    assert [type(one.heard()) for one in asking] == [StorageUnavailable] * 5
    assert queue.counts().queued == 0


def test_what_is_owed_is_tried_until_the_storage_takes_it(make_writer, queue, url, until, monkeypatch):
    monkeypatch.setattr(writer_module, "AGAIN", 0.01)
    [owed] = queue.enqueue(NEW)
    broken, refused = connect(url).open(), []
    writer = ready(make_writer(lambda: broken))
    execute = broken._database.files.execute

    def execute_but_for_three_commits(statement, values=None):
        if statement == "COMMIT" and len(refused) < 3:
            refused.append(statement)
            raise StorageUnavailable("the disk is full")
        return execute(statement, values)

    broken._database.files.execute = execute_but_for_three_commits
    writer.owe(lambda queue: queue.cancel("nobody's"))
    writer.owe(lambda queue: queue.cancel(owed.prompt.id))

    until(lambda: queue.get(owed.prompt.id).outcome is Outcome.CANCELLED)
    assert len(refused) == 3
    until(lambda: not writer._owed)


def test_it_opens_the_queue_as_soon_as_it_can_be_opened(make_writer, url, caplog):
    attempts = []

    def open_queue():
        attempts.append(time.monotonic())
        if len(attempts) < 3:
            raise StorageUnavailable("no such disk")
        return connect(url).open()

    writer = make_writer(open_queue)

    with pytest.raises(StorageUnavailable, match="no such disk"):
        writer.do(lambda queue: queue.counts())
    assert writer.do(lambda queue: queue.counts()).queued == 0
    assert caplog.text.count("storage unavailable") == 1


def test_it_opens_the_queue_again_when_it_got_lost(make_writer, url):
    opened = []
    writer = ready(make_writer(lambda: opened.append(connect(url).open()) or opened[-1]))

    opened[0]._database.files.sqlite.close()
    with pytest.raises(Exception, match=r"closed|lost its log"):
        writer.do(lambda queue: queue.enqueue(NEW))

    assert len(writer.do(lambda queue: queue.enqueue(NEW))) == 1
    assert len(opened) == 2


def test_closing_finishes_what_was_asked_before(make_writer, queue, until):
    writer = ready(make_writer())
    begun, go_on = threading.Event(), threading.Event()

    def slowly(queue):
        begun.set()
        go_on.wait(10)
        return queue.enqueue(NEW)

    asking = [Asking(writer, slowly)]
    assert begun.wait(10)
    asking += [Asking(writer, lambda queue: queue.enqueue(NEW)) for _ in range(4)]
    until(lambda: len(writer._line) == 4)
    closing = threading.Thread(target=writer.close)
    closing.start()
    start = time.monotonic()

    go_on.set()
    closing.join(10)

    assert time.monotonic() - start < 3  # it ended, and was not given up
    assert [type(one.heard()) for one in asking] == [list] * 5
    assert queue.counts().queued == 5
