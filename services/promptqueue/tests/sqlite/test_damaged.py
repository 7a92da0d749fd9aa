"""A row that cannot be read ends as failed when its turn comes, and costs nobody else anything."""

import pytest
from promptqueue.prompt import Status


@pytest.fixture
def journal():
    return "auto"  # all the same here


DAMAGE = {
    "a request that is no JSON": ("requests", "request", "'{\"prompt\": '"),
    "a request that is no object": ("requests", "request", "'[1]'"),
    "a request that nests without end": ("requests", "request", "'" + "[" * 100_000 + "'"),
    "a request that is no text": ("requests", "request", "CAST(x'ff80fe' AS TEXT)"),
    "no request": ("requests", None, None),
}
HARMLESS = {
    "metadata that are no JSON": ("prompts", "metadata", "'{'"),
    "metadata that are no text": ("prompts", "metadata", "CAST(x'ff80fe' AS TEXT)"),
    "an id's neighbour that is no text": ("prompts", "last_error", "CAST(x'ff80fe' AS TEXT)"),
}


@pytest.fixture
def damage(queue):
    def do(prompt_id, how):
        table, column, value = how
        run = queue._database.run
        [row] = run("SELECT seq FROM prompts WHERE id = :id", id=prompt_id)
        if column is None:
            run(f"DELETE FROM {table} WHERE seq = :seq", seq=row["seq"])
        else:
            run(f"UPDATE {table} SET {column} = {value} WHERE seq = :seq", seq=row["seq"])

    return do


@pytest.mark.parametrize("how", DAMAGE.values(), ids=DAMAGE)
def test_a_request_that_cannot_be_read_ends_as_failed_and_the_next_prompt_is_claimed(queue, ask, terms, damage, how):
    damaged, whole = ask(), ask()
    damage(damaged, how)

    claim = queue.claim(terms)

    assert claim.prompt.id == whole
    ended = queue.get(damaged)
    assert (ended.status, ended.outcome, ended.failures) == ("completed", "failed", 0)
    assert ended.error.code == "attempts_exhausted"
    assert "cannot be read any more" in ended.error.message
    assert queue.claim(terms) is None


@pytest.mark.parametrize("how", (DAMAGE | HARMLESS).values(), ids=DAMAGE | HARMLESS)
def test_a_damaged_row_is_told_as_far_as_it_can_be_read_and_hides_no_other(queue, ask, damage, how):
    damaged, whole = ask(metadata={"a": 1}), ask()
    damage(damaged, how)

    assert [standing.prompt.id for standing in queue.progress_of([damaged, whole])] == [damaged, whole]
    assert [prompt.id for prompt in queue.newest().prompts] == [whole, damaged]
    assert queue.get(damaged).status == queue.settle(damaged).status == "queued"
    assert queue.request(damaged) is None or how in HARMLESS.values()
    assert queue.request(whole)
    assert queue.cancel(damaged).outcome == "cancelled"
    queue.delete(damaged)
    assert queue.counts().queued == 1


@pytest.mark.parametrize("how", HARMLESS.values(), ids=HARMLESS)
def test_what_is_damaged_beside_the_request_does_not_keep_it_from_being_answered(
    queue, ask, terms, damage, answered, how
):
    damaged = ask(metadata={"a": 1})
    damage(damaged, how)

    assert queue.finish(queue.claim(terms), answered).outcome == "succeeded"


def test_an_answer_that_cannot_be_read_is_none_and_numbers_that_json_has_not_are_null(
    queue, ask, terms, damage, answered
):
    lost, odd = ask(), ask()
    queue.finish(queue.claim(terms), answered)
    queue.finish(queue.claim(terms), answered)
    damage(lost, ("answers", "answer", "'{'"))
    damage(odd, ("answers", "answer", '\'{"response": "yes", "load": NaN}\''))

    assert queue.answer(lost) is None
    assert queue.answer(odd) == {"response": "yes", "load": None}


def test_a_partial_text_that_is_no_text_is_told_as_far_as_it_is_one(queue, ask, terms, damage):
    prompt_id = ask()
    claim = queue.claim(terms)
    queue.write(claim, "abc", offset=0, tokens=1)
    damage(prompt_id, ("partials", "text", "CAST(x'61ff62' AS TEXT)"))

    assert queue.partial(prompt_id) == "a\ufffdb"


def test_an_end_that_a_newer_version_knows_is_told_all_the_same(queue, ask, damage):
    prompt_id = ask()
    queue.cancel(prompt_id)
    damage(prompt_id, ("prompts", "error_code", "'of tomorrow'"))

    assert queue.get(prompt_id).error.message == "The prompt was cancelled."


def test_many_damaged_rows_are_ended_in_small_commits(queue, ask, terms, damage, monkeypatch):
    monkeypatch.setattr("promptqueue.sqlite.verbs.worker.UNREADABLE_AT_ONCE", 2)
    for _ in range(5):
        damage(ask(), DAMAGE["no request"])
    whole = ask()

    claims = [queue.claim(terms) for _ in range(3)]

    assert claims[:2] == [None, None]
    assert claims[2].prompt.id == whole
    assert len(queue.newest(status=Status.COMPLETED).prompts) == 5


def test_text_that_an_older_worker_wrote_has_a_length(queue, begin, damage):
    claim = begin()
    queue.write(claim, "abc", offset=0, tokens=1)
    damage(claim.prompt.id, ("partials", "length", "NULL"))

    [progress] = queue.progress_of([claim.prompt.id])

    assert progress.text_length == 3
