"""What the tests of owners share: keys, and clients that send them."""

import pytest
from promptqueue.owners.key import Role, new_key


class Holder:
    """Somebody with a key, who asks an application that was made here."""

    def __init__(self, client, name, secret):
        self._client = client
        self.key = name
        self.secret = secret

    def ask(self, method, path, **more):
        headers = {"Authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        return self._client.open(path, method=method, headers=headers, **more)

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, **more):
        return self.ask("POST", path, **more)

    def submit(self, text="Why is the sky blue?", **fields):
        """Hand in a prompt; its id."""
        answer = self.post("/api/v1/prompt", json={"prompt": text, **fields})
        assert answer.status_code == 202, answer.text
        return answer.json["id"]


@pytest.fixture
def give_key(client, queue):
    """Give somebody a key."""

    def give_key(owner="anna", role=Role.USER, expires_at=None):
        made = new_key()
        queue.add_key(made, owner=owner, role=role, expires_at=expires_at)
        return Holder(client, made.name, made.secret)

    return give_key


@pytest.fixture
def anna(give_key):
    return give_key("anna")


@pytest.fixture
def ben(give_key):
    return give_key("ben")


@pytest.fixture
def admin(give_key):
    return give_key("olga", Role.ADMIN)


@pytest.fixture
def error_of():
    """What was refused, as its status, code and parameter."""

    def error_of(answer):
        error = answer.json["error"]
        return answer.status_code, error["code"], error["param"]

    return error_of
