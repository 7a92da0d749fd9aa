"""A hostile client in a process of its own, `python -m bench.attacking URL ROUNDS`: the largest bodies, unceasingly."""

from __future__ import annotations

import http.client
import json
import sys

from support.largest import Specification

from bench.clients import Unexpected


def main(url: str, rounds: int) -> None:
    """Send each body so many times, and print how many there are. Raises Unexpected for an answer that is not right."""
    server = http.client.HTTPConnection(url.removeprefix("http://"), timeout=90)
    server.request("GET", "/openapi.json")
    bodies = Specification(json.loads(server.getresponse().read())).bodies()
    print("ready", flush=True)
    for body in bodies * rounds:
        server.request("POST", "/api/v1/prompt", body.data)
        answer = server.getresponse()
        said = answer.read()
        if answer.status != (202 if body.is_right else 400):
            message = f"{body.name}: {answer.status} {said.decode()}"
            raise Unexpected(message)
    print(len(bodies), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
