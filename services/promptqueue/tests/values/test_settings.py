from dataclasses import FrozenInstanceError, dataclass

import pytest
from promptqueue import storage
from promptqueue.settings import (
    Kind,
    Misconfigured,
    address,
    integer,
    number,
    one_of,
    read,
    read_or_exit,
    urls,
    variable,
    without_secrets,
    word,
)
from promptqueue.storage import connect


@dataclass(frozen=True, kw_only=True)
class Config:
    name: str = variable("nobody", word("a name"))
    bind: str = variable("127.0.0.1", address())
    port: int = variable(8000, integer(1, 65_535))
    depth: int = variable(10, integer(at_least=1))
    seconds: float = variable(15.0, number(at_least=0.5))
    share: float = variable(0.5, number(0, 1))
    level: str = variable("info", one_of("debug", "info"))
    servers: tuple[str, ...] = variable(("http://ollama:11434",), urls("http", "https"))


@dataclass(frozen=True, kw_only=True)
class Where:
    database_url: str = variable("sqlite:///queue.db", Kind(storage.check, "like sqlite:///queue.db"))


def test_an_empty_environment_gives_the_defaults():
    assert read(Config, {}) == Config()


def test_an_empty_variable_means_the_default():
    assert read(Config, {"PORT": "", "NAME": "  "}) == Config()


def test_variables_are_the_names_of_the_fields_in_capitals():
    environ = {
        "NAME": " somebody ",
        "PORT": "80",
        "DEPTH": " 7 ",
        "SECONDS": "0.5",
        "SHARE": "1",
        "LEVEL": "DEBUG",
        "SERVERS": "http://a:1/, https://b/path ,",
        "port": "9",
        "OTHER": "ignored",
    }

    assert read(Config, environ) == Config(
        name="somebody",
        port=80,
        depth=7,
        seconds=0.5,
        share=1.0,
        level="debug",
        servers=("http://a:1", "https://b/path"),
    )


EXPECTED = {
    "PORT must be a whole number from 1 to 65535": ["http", "0", "65536", "80.0"],
    "DEPTH must be a whole number of at least 1": ["0", "-5"],
    "SECONDS must be a number of at least 0.5": ["0.49", "soon", "nan", "inf"],
    "SHARE must be a number from 0 to 1": ["1.01"],
    "LEVEL must be one of debug, info": ["loud"],
    "NAME must be a name": ["no body"],
    "BIND must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all": [
        *["not an address", "999.0.0.1", "http://127.0.0.1", "nowhere.invalid", "a" * 70],
    ],
    "SERVERS must be one or more addresses that begin with http:// or https://": [
        *["ollama:11434", "ftp://ollama", "http://", ",", "http://a,b", "http://[::1"],
        *["http://a:port", "http://a:65536", "http://a:0"],
    ],
}


@pytest.mark.parametrize(("expected", "value"), [(each, value) for each in EXPECTED for value in EXPECTED[each]])
def test_what_is_not_understood_is_told_with_name_value_and_expectation(expected, value):
    with pytest.raises(Misconfigured) as refused:
        read(Config, {expected.split()[0]: value})

    assert str(refused.value) == f"{expected}, got {value!r}."


def test_all_problems_are_told_at_once():
    with pytest.raises(Misconfigured) as refused:
        read(Config, {"PORT": "x", "NAME": "fine", "LEVEL": "loud", "SECONDS": "-1"})

    assert str(refused.value).splitlines() == [
        "PORT must be a whole number from 1 to 65535, got 'x'.",
        "SECONDS must be a number of at least 0.5, got '-1'.",
        "LEVEL must be one of debug, info, got 'loud'.",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://user:p@ss@host/queue", "postgresql://…@host/queue"),
        (
            "postgresql://host/queue?password=p%40ss&sslmode=require",
            "postgresql://host/queue?password=…&sslmode=require",
        ),
        (
            "postgresql://host/queue?sslmode=require&sslpassword=p",
            "postgresql://host/queue?sslmode=require&sslpassword=…",
        ),
        ("postgresql://host/queue?password_file=/secret", "postgresql://host/queue?password_file=/secret"),
    ],
)
def test_no_password_is_shown(text, shown):
    assert without_secrets(text) == shown


def test_what_this_installation_cannot_serve_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setattr(storage, "find_spec", lambda _: None)

    with pytest.raises(Misconfigured) as refused:
        read(Where, {"DATABASE_URL": "postgresql://user:secret@host/queue"})

    assert str(refused.value) == (
        "DATABASE_URL: A queue in PostgreSQL needs psycopg: pip install 'promptqueue[postgres]', "
        "or build images with POSTGRES=1."
    )


def test_a_process_ends_with_the_problems_and_no_trace(capsys):
    with pytest.raises(SystemExit) as ended:
        read_or_exit(Config, {"PORT": "x"})

    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "PORT must be a whole number from 1 to 65535, got 'x'.\n")


def test_a_process_that_is_configured_goes_on():
    assert read_or_exit(Config, {"PORT": "80"}).port == 80


def test_a_config_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        read(Config, {}).port = 1


@pytest.mark.parametrize("value", ["1", "65535"])
def test_bounds_are_within(value):
    assert read(Config, {"PORT": value}).port == int(value)


@pytest.mark.parametrize("value", ["0.0.0.0", "::1", "localhost"])
def test_a_server_may_listen_at_an_address_or_the_name_of_one(value):
    assert read(Config, {"BIND": value}).bind == value


def test_an_address_may_be_an_ip6_address():
    assert read(Config, {"SERVERS": "http://[::1]:11434"}).servers == ("http://[::1]:11434",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ftp://user:secret@h", "ftp://…@h"),
        ("ftps://secret@h/path", "ftps://…@h/path"),
        ("http:/user:secret@h", "http:/…@h"),
        ("user:secret@h:11434", "…@h:11434"),
        ("ftp://user:se/cr,et@h,http://other:secret@h2", "ftp://…@h2"),
        ("ftp://user:se cret@h", "ftp://…@h"),
        ("me@home", "me@home"),
        ("lots", "lots"),
    ],
)
def test_a_value_that_is_not_understood_is_told_without_user_and_password(text, told):
    with pytest.raises(Misconfigured) as problems:
        read(Config, {"SERVERS": text})

    assert f"got {told!r}." in str(problems.value)


def test_a_database_url_that_names_no_queue_is_told_without_user_and_password():
    with pytest.raises(ValueError, match="got 'mysql://…@h/queue'"):
        connect("mysql://user:secret@h/queue").open()
