"""What a command says of a queue in PostgreSQL that the server's own programs do, and shows no password."""

import pytest

URL = "postgresql://anna:SECRET@db:5433/queue?sslmode=require"
BARE = "'postgresql://anna@db:5433/queue?sslmode=require'"


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("backup copy", f"pg_dump -Fc -f copy {BARE}"),
        ("restore copy", f"pg_restore --clean --if-exists --no-owner --single-transaction -d {BARE} copy"),
        ("compact", f"vacuumdb --full -d {BARE}"),
    ],
)
def test_what_the_servers_programs_do_is_said_with_the_command_to_type(operate, line, typed):
    done = operate(line, DATABASE_URL=URL)

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: ")
    assert done.err.endswith(f": {typed}\n")
    assert operate(f"{line} --json", DATABASE_URL=URL).json["error"]["code"] == "not_of_this_engine"


def test_a_password_in_a_file_is_read_by_the_shell(operate):
    said = operate("backup copy", DATABASE_URL="postgresql://anna@db/queue?password_file=/run/secrets/pass word").err

    assert said.endswith(
        ": PGPASSWORD=\"$(cat '/run/secrets/pass word')\" pg_dump -Fc -f copy postgresql://anna@db/queue\n"
    )
