"""/api/v1/queue, /healthz, /readyz and the page."""

import re
import time

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.wire import moment
from support.waiting import DEADLINE


def test_the_queue_is_described_in_numbers_without_ids(client, submit, worker, queue):
    worker.describe(Model(name="llama3.2", state=ModelState.DOWNLOADING, percent=41, processor="cpu"))
    for _ in range(3):
        submit()
    worker.answer()
    worker.claim()

    body = client.get("/api/v1/queue").json

    assert body.pop("oldest_wait_seconds") >= 0
    assert body["servers"][0].pop("seconds_per_prompt") >= 0
    assert body.pop("stored_bytes") == queue.room().stored_bytes > 0
    assert body == {
        "queued": 1,
        "lanes": {"interactive": 1, "batch": 0},
        "processing": 1,
        "completed_per_minute": 1,
        "paused": False,
        "workers": 1,
        "model": {
            "name": "llama3.2",
            "state": "downloading",
            "percent": 41,
            "processor": "cpu",
            "detail": None,
            "retry_at": None,
        },
        "servers": [
            {
                "address": "http://ollama:11434",
                "state": "downloading",
                "percent": 41,
                "processor": "cpu",
                "detail": None,
                "retry_at": None,
                "slots": 1,
                "busy": 1,
            }
        ],
        "limits": {
            "max_prompt_bytes": 1048576,
            "max_queue_depth": 10000,
            "max_streams": 5000,
            "max_stored_bytes": 4 * 2**30,
            "min_free_bytes": 512 * 2**20,
        },
        "you": None,
        "owners": None,
    }


def test_the_last_minutes_are_told_where_they_are_asked_for(client, submit, worker, queue):
    submit()
    worker.answer()
    queue.observe()
    submit()

    body = client.get("/api/v1/queue?history=60").json

    history = body.pop("history")
    assert len(history) == 60
    assert [each["minute"] for each in history] == sorted({each["minute"] for each in history})
    assert all(each["minute"].endswith(":00.000Z") for each in history)
    assert sum(each["completed"] for each in history) == 1
    assert sum(each["tokens"] for each in history) == queue.newest().prompts[-1].tokens > 0
    assert history[-1].keys() == {"minute", "queued", "oldest_wait_seconds", "completed", "failed", "tokens"}
    assert (history[-1]["queued"], history[-1]["failed"]) == (1, 0)
    assert 0 <= history[-1]["oldest_wait_seconds"] <= body["oldest_wait_seconds"] + DEADLINE
    assert (history[0]["queued"], history[0]["oldest_wait_seconds"], history[0]["completed"]) == (None, None, 0)
    assert "history" not in client.get("/api/v1/queue").json


@pytest.mark.parametrize("number", [1, 60])
def test_as_many_minutes_are_told_as_are_asked_for(client, number):
    assert len(client.get(f"/api/v1/queue?history={number}").json["history"]) == number


@pytest.mark.parametrize("number", ["", "0", "61", "-1", "1.5", "1e1", "sixty", "+5", " 5", "5%0a", "٣", "9" * 5000])
def test_another_number_of_minutes_is_refused_by_name(client, number):
    answer = client.get(f"/api/v1/queue?history={number}")

    assert (answer.status_code, answer.json["error"]["code"], answer.json["error"]["param"]) == (
        400,
        "invalid_request",
        "history",
    )
    assert "1 to 60" in answer.json["error"]["message"]


def test_each_server_is_told_with_its_state(client, worker, queue):
    worker.describe(Model(name="llama3.2", state=ModelState.READY, processor="gpu"))
    away = Model(name="llama3.2", state=ModelState.UNREACHABLE, detail="refused\nby it", retry_at=time.time() + 500)
    queue.describe_model(away, worker=worker.terms.worker, server="http://another:11434")

    servers = client.get("/api/v1/queue").json["servers"]
    worker.leave()

    assert [(each["address"], each["state"], each["detail"], each["retry_at"]) for each in servers] == [
        ("http://another:11434", "unreachable", "refused by it", moment(away.retry_at)),
        ("http://ollama:11434", "ready", None, None),
    ]
    assert [each["seconds_per_prompt"] for each in servers] == [None, None]
    assert client.get("/api/v1/queue").json["servers"] == []


def test_with_no_worker_alive_nobody_knows_of_the_model(client, worker):
    worker.describe(Model(name="llama3.2", state=ModelState.READY, processor="gpu"))
    worker.leave()

    body = client.get("/api/v1/queue").json

    assert body["workers"] == 0
    assert body["model"] == {
        "name": "llama3.2",
        "state": "unreachable",
        "percent": None,
        "processor": None,
        "detail": "no worker is alive to tell",
        "retry_at": None,
    }
    assert body["oldest_wait_seconds"] is None


def test_a_troubled_model_says_why_in_a_line_and_when_it_is_tried_again(client, worker):
    words = "model requires more\nsystem memory " + "x" * 400
    model = Model(name="llama3.2", state=ModelState.TROUBLED, detail=words, retry_at=time.time() + 500)
    worker.describe(model)

    body, readiness = client.get("/api/v1/queue").json["model"], client.get("/readyz")

    assert body["state"] == "troubled"
    assert body["detail"].startswith("model requires more system memory xxx")
    assert len(body["detail"]) == 300
    assert body["retry_at"] == moment(model.retry_at)
    assert readiness.status_code == 503
    words = readiness.json["checks"]["model"]["detail"]
    assert words.startswith("llama3.2 is troubled: model requires more system memory xxx")
    assert re.search(r"; trying again in (499|500|4\d\d) s$", words)
    assert words in readiness.json["error"]["message"]


def test_a_retry_whose_time_has_passed_is_due_now(client, worker):
    worker.describe(Model(name="llama3.2", state=ModelState.TROUBLED, detail="busy", retry_at=time.time() - 5))

    assert client.get("/readyz").json["checks"]["model"]["detail"] == "llama3.2 is troubled: busy; trying again now"


def test_healthz_describes_the_storage_from_a_real_read(client):
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert set(answer.json["database"]) == {"kind", "version", "journal_mode"}


def test_a_proxy_that_could_not_get_an_answer_is_not_ready_and_says_why(client, queue):
    queue.pause(True)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["ready"] is False
    checks = answer.json["checks"]
    assert {name: check["ok"] for name, check in checks.items()} == {"database": True, "worker": False, "model": False}
    assert "no worker" in checks["worker"]["detail"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Model(name="llama3.2", state=ModelState.DOWNLOADING, percent=41), "41 %"),
        (
            Model(name="llama3.2", state=ModelState.UNREACHABLE, processor="cpu", detail="connection refused"),
            "llama3.2 is unreachable: connection refused",
        ),
        (Model(name="llama3.2", state=ModelState.MISSING), "missing"),
    ],
)
def test_readyz_says_in_words_why_a_model_is_not_ready(client, worker, model, words):
    worker.describe(model)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["worker"]["ok"] is True
    assert answer.json["checks"]["model"]["ok"] is False
    assert words in answer.json["checks"]["model"]["detail"]
    assert (answer.json["error"]["code"], answer.headers["Retry-After"]) == ("not_ready", "2")
    assert words in answer.json["error"]["message"]


def test_a_proxy_with_a_worker_and_a_model_is_ready(client, worker):
    worker.describe(Model(name="llama3.2", state=ModelState.READY, processor="gpu"))

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["ready"]) == (200, True)


def test_a_database_that_cannot_be_opened_is_reported_and_nothing_is_500(make_app, tmp_path):
    (tmp_path / "file").write_text("no folder")
    client = make_app(database_url=f"sqlite:///{tmp_path}/file/queue.db").test_client()

    health, readiness = client.get("/healthz"), client.get("/readyz")
    others = [
        client.get("/api/v1/queue"),
        client.get("/openapi.json"),
        client.post("/api/v1/prompt", json={"prompt": "Why?"}),
        client.get("/api/v1/prompt/00000000-0000-4000-8000-000000000000/status?wait=1"),
        client.delete("/api/v1/prompt/00000000-0000-4000-8000-000000000000"),
    ]

    assert (health.status_code, health.json["error"]["code"]) == (503, "storage_unavailable")
    assert (readiness.status_code, readiness.json["error"]["code"]) == (503, "not_ready")
    assert str(tmp_path) not in health.text + readiness.text  # whether strangers may know is in the database
    for answer in others:
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "storage_unavailable")
        assert answer.json["error"]["type"] == "server_error"
        assert int(answer.headers["Retry-After"]) == 5
        assert str(tmp_path) not in answer.text
    assert client.get("/").status_code == 200


def test_a_database_that_comes_back_is_used_again(make_app, tmp_path, until):
    folder = tmp_path / "volume"
    folder.write_text("not mounted")
    client = make_app(database_url=f"sqlite:///{folder}/queue.db").test_client()
    assert client.get("/healthz").status_code == 503
    assert client.post("/api/v1/prompt", json={"prompt": "Why?"}).status_code == 503

    folder.unlink()

    until(lambda: client.get("/healthz").status_code == 200)
    assert client.post("/api/v1/prompt", json={"prompt": "Why?"}).status_code == 202


def test_a_database_that_was_moved_away_is_not_healthy_and_is_used_again_once_it_is_back(make_app, tmp_path, until):
    client = make_app().test_client()
    accepted = client.post("/api/v1/prompt", json={"prompt": "Why?"})
    away = tmp_path / "away"
    (tmp_path / "data").rename(away)

    health, readiness = client.get("/healthz"), client.get("/readyz")
    others = [
        client.post("/api/v1/prompt", json={"prompt": "Why?"}),
        client.post(f"/api/v1/prompt/{accepted.json['id']}/retry"),
        client.get(f"/api/v1/prompt/{accepted.json['id']}"),
    ]
    away.rename(tmp_path / "data")

    assert (health.status_code, health.json["error"]["code"]) == (503, "storage_unavailable")
    assert "moved or deleted: put it back" in health.json["error"]["message"]
    assert (readiness.status_code, readiness.json["checks"]["database"]["ok"]) == (503, False)
    for answer in others:
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "storage_unavailable")
        assert str(tmp_path) not in answer.text
    until(lambda: client.get("/healthz").status_code == 200)
    assert client.get(f"/api/v1/prompt/{accepted.json['id']}").status_code == 200


def test_the_page_is_asked_for_again_only_when_it_changed(make_app, tmp_path):
    page = tmp_path / "index.html"
    page.write_text("<!doctype html>one")
    client = make_app(page_path=str(page)).test_client()

    first = client.get("/")
    same = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    page.write_text("<!doctype html>two")
    changed = client.get("/", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, first.text) == (200, "<!doctype html>one")
    assert (same.status_code, same.data) == (304, b"")
    assert (changed.status_code, changed.text) == (200, "<!doctype html>two")


@pytest.mark.parametrize("version", ['"another"', "*"])
def test_the_page_comes_whole_whatever_version_if_match_names(make_app, tmp_path, version):
    page = tmp_path / "index.html"
    page.write_text("<!doctype html>one")

    answer = make_app(page_path=str(page)).test_client().get("/", headers={"If-Match": version})

    assert (answer.status_code, answer.text) == (200, "<!doctype html>one")


def test_an_installation_without_the_page_says_so(make_app, tmp_path):
    page = tmp_path / "index.html"
    page.touch()
    client = make_app(page_path=str(page)).test_client()
    page.unlink()

    answer = client.get("/")

    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")
