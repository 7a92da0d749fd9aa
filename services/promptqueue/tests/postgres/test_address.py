"""DATABASE_URL: what names a queue in PostgreSQL, and whose password comes from where."""

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.postgres.server.address import address_of
from promptqueue.storage import check
from psycopg.conninfo import conninfo_to_dict


def parameters(url):
    return conninfo_to_dict(address_of(url).conninfo())


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://queue@db/queue",
        "postgres://queue:secret@db:5433/queue?sslmode=verify-full",
        "postgresql://queue@a,b:5433/queue?target_session_attrs=any",
        "postgresql://queue@db/queue?password_file=/run/secrets/password",
        "postgresql:///queue?host=/var/run/postgresql",
    ],
)
def test_a_url_of_libpqs_names_a_queue(url):
    assert check(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db",
        "postgresql://db/",
        "postgresql://db/queue?nonsense=1",
        "postgresql://db/queue?password_file=",
        "postgresql://db/queue?password_file=/a&password_file=/b",
        "mysql://db/queue",
    ],
)
def test_another_is_refused_in_a_sentence_that_says_how_one_looks(url):
    with pytest.raises(ValueError, match=r"^DATABASE_URL must look like \S+://\S+.*, got '.*'\.$"):
        check(url)


def test_a_refusal_repeats_no_password():
    with pytest.raises(ValueError, match="must look like") as refused:
        check("postgresql://queue:secret@db/queue?nonsense=1")

    assert "secret" not in str(refused.value)


def test_the_password_is_read_from_its_file_each_time(tmp_path):
    file = tmp_path / "password"
    url = f"postgresql://queue@db/queue?password_file={file}&sslmode=require"

    file.write_text("pa$$ 'word' \\\n")
    first = parameters(url)
    file.write_text("changed")

    assert (first["password"], parameters(url)["password"]) == ("pa$$ 'word' \\", "changed")
    assert first["sslmode"] == "require"


def test_a_password_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(StorageUnavailable, match=f"password .* cannot be read: .*{tmp_path}/none"):
        parameters(f"postgresql://queue@db/queue?password_file={tmp_path}/none")


def test_what_the_url_says_comes_before_what_is_usual():
    usual, said = parameters("postgresql://db/queue"), parameters("postgresql://db/queue?connect_timeout=9")

    assert (usual["connect_timeout"], said["connect_timeout"]) == ("5", "9")
    assert usual["target_session_attrs"] == "read-write"
