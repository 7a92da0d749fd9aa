"""What Prometheus is told of the queue: the same as /api/v1/queue says, from the database."""

import shutil

import pytest
from promptqueue.condition import Model, ModelState


def test_it_says_of_the_queue_what_the_queue_says_of_itself(client, submit, worker, scrape):
    for priority in ("batch", "interactive", "batch"):
        submit(priority=priority)
    worker.claim()
    worker.describe(Model(name="llama3.2", state=ModelState.READY))

    read, told = scrape(), client.get("/api/v1/queue").json

    assert read.all("prompts_waiting", "lane") == told["lanes"] == {"interactive": 0, "batch": 2}
    assert read("prompts_running") == told["processing"] == 1
    assert read("workers") == told["workers"] == 1
    assert read("slots") == 1
    assert read("paused") == 0
    assert read("model_ready", model="llama3.2") == 1
    assert read("stored_bytes") == told["stored_bytes"]
    assert read("disk_free_bytes") > 0
    limits = told["limits"]
    assert read("prompts_waiting_limit") == limits["max_queue_depth"]
    assert read("stored_limit_bytes") == limits["max_stored_bytes"]
    assert read("disk_reserve_bytes") == limits["min_free_bytes"]
    assert read("storage_available") == 1


def test_the_oldest_wait_is_nothing_while_nobody_waits(submit, scrape, until):
    assert scrape()("prompts_oldest_wait_seconds") == 0

    submit()

    until(lambda: scrape()("prompts_oldest_wait_seconds") > 0)


def test_a_paused_queue_is_told(queue, scrape):
    queue.pause(True)

    assert scrape()("paused") == 1


@pytest.mark.parametrize(
    ("model", "ready", "there"),
    [
        (Model(name="m", state=ModelState.DOWNLOADING, percent=40), 0, 0.4),
        (Model(name="m", state=ModelState.MISSING), 0, 0),
        (Model(name="m", state=ModelState.READY), 1, 1),
        (Model(name="m", state=ModelState.UNREACHABLE), 0, 0),
    ],
)
def test_each_server_is_in_one_state_and_the_model_ready_in_one_alone(worker, scrape, model, ready, there):
    worker.describe(model)

    read = scrape()

    assert read("model_ready", model="m") == ready
    assert read("model_download_ratio", model="m") == there
    states = read.all("server_state", "state")
    assert set(states) == set(ModelState)
    assert [state for state, value in states.items() if value] == [model.state]
    assert read("server_slots", server="http://ollama:11434") == 1


def test_each_server_tells_what_it_has_in_hand_and_how_long_it_takes_once_it_has_answered(
    client, submit, queue, worker, scrape
):
    for _ in range(2):
        submit()
    for address in ("http://ollama:11434", "http://another:11434"):
        queue.describe_model(Model(name="m", state=ModelState.READY), worker=worker.terms.worker, server=address)
    before = scrape().all("server_seconds_per_prompt", "server")
    worker.answer()
    worker.claim()

    read = scrape()
    [seconds] = [each["seconds_per_prompt"] for each in client.get("/api/v1/queue").json["servers"] if each["busy"]]

    assert before == {}
    assert read.all("server_busy", "server") == {"http://another:11434": 0, "http://ollama:11434": 1}
    told = read.all("server_seconds_per_prompt", "server")
    assert told.keys() == {"http://ollama:11434"}
    assert round(told["http://ollama:11434"], 1) == seconds


def test_with_no_worker_alive_the_model_is_not_ready_whatever_was_said_of_it(worker, scrape):
    worker.describe(Model(name="m", state=ModelState.READY))
    worker.leave()

    read = scrape()

    assert (read("workers"), read("model_ready", model="m")) == (0, 0)


def test_a_database_that_is_gone_is_told_and_what_needs_none_is_still_there(app, client, submit, scrape, tmp_path):
    submit()
    shutil.rmtree(tmp_path / "data")

    read = scrape()

    assert read("storage_available") == 0
    assert read("prompts_waiting_limit") == 10_000
    assert read("http_requests_total", method="POST", endpoint="/api/v1/prompt", status="2xx") == 1
    assert read("prompts_running") is None


def test_what_ended_is_told_by_how_it_did_also_once_it_is_erased(client, queue, submit, worker, scrape):
    answered = submit()
    worker.answer()
    submit()
    worker.fail()
    client.delete(f"/api/v1/prompt/{answered}")

    read = scrape()

    assert read.all("prompts_completed_total", "outcome") == {"succeeded": 1, "failed": 1, "cancelled": 0, "expired": 0}
    assert read("prompts_stored") == 1
    assert read("tokens_written_total") == 3
    assert read("prompt_wait_seconds_count") == read("prompt_run_seconds_count") == 2
    assert read("prompt_wait_seconds_bucket", le="+Inf") == 2
    measured = queue.measures()
    assert read("prompt_wait_seconds_sum") == measured.waiting.seconds
    assert read("prompt_run_seconds_sum") == measured.running.seconds > 0


def test_steps_of_waiting_and_running_go_from_a_tenth_of_a_second_to_an_hour(scrape):
    read = scrape()

    for name in ("prompt_wait_seconds", "prompt_run_seconds"):
        steps = [one.labels["le"] for one in read.samples if one.name == f"ollama_proxy_{name}_bucket"]
        assert (steps[0], steps[-2], steps[-1]) == ("0.1", "3600.0", "+Inf")


def test_owners_are_named_only_where_that_is_wanted(submit, make_app, read, scrape):
    for priority in ("batch", "interactive"):
        submit(priority=priority)
    told = (
        make_app(metrics_port=9000, metrics_owners="yes")
        .test_client()
        .get("/metrics", base_url="http://localhost:9000")
    )

    assert read(told.text).all("owner_prompts_waiting", "owner") == {"everybody": 2}
    assert scrape().all("owner_prompts_waiting", "owner") == {}


def test_whichever_proxy_of_a_queue_is_asked_says_the_same_of_it(submit, worker, make_app, read, scrape):
    submit()
    worker.answer()
    submit(priority="batch")
    other = make_app(metrics_port=9000).test_client()
    moving = {"ollama_proxy_prompts_oldest_wait_seconds", "ollama_proxy_disk_free_bytes", "ollama_proxy_journal_bytes"}

    def of_the_queue(told):
        counted = ("ollama_proxy_http_", "ollama_proxy_commit_")
        return [one for one in told.samples if not one.name.startswith(counted) and one.name not in moving]

    said = of_the_queue(scrape())
    assert of_the_queue(read(other.get("/metrics", base_url="http://localhost:9000").text)) == said
    assert len(said) > 50
