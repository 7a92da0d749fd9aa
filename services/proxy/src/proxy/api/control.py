"""What an admin does with the queue as a whole: pause it and let it go on."""

from flask import Blueprint, Response

from proxy.access.asker import current
from proxy.api.bodies import Paused
from proxy.api.envelope import answer
from proxy.parts import Parts


def blueprint(parts: Parts) -> Blueprint:
    """Serve /api/v1/queue/pause and /api/v1/queue/resume."""
    routes = Blueprint("control", __name__, url_prefix="/api/v1/queue")

    @routes.post("/pause")
    def pause() -> Response:
        return _set(True)

    @routes.post("/resume")
    def resume() -> Response:
        return _set(False)

    def _set(paused: bool) -> Response:
        key = current().key
        parts.whole_queue.pause(paused, by=key.name if key else "")
        body: Paused = {"paused": paused}
        return answer(body)

    return routes
