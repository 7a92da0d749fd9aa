"""The page, served as it lies on the disk."""

from pathlib import Path

from flask import Blueprint, Response, request

from proxy.errors import NotFound


def blueprint(path: Path | None, base_path: str) -> Blueprint:
    """Serve / with the file at `path`, which asks for its data beside its own address."""
    routes = Blueprint("page", __name__)

    @routes.get("/")
    def page() -> Response:
        try:
            content = path.read_bytes() if path else None
        except FileNotFoundError:
            content = None
        if content is None:
            message = f"The page is not part of this installation. The API is under {base_path}/api/v1."
            raise NotFound(message)
        answer = Response(content, headers={"Cache-Control": "no-cache"}, content_type="text/html; charset=utf-8")
        answer.add_etag()
        # If-Match is for those who write; Werkzeug would answer it with 412 and the page as its body.
        answer.make_conditional({**request.environ, "HTTP_IF_MATCH": ""})
        del answer.headers["Date"]  # which the server sends with every answer
        return answer

    def beside_the_page() -> Response:
        """Add the last slash, without which the page would look for its data one level too high."""
        query = request.query_string.decode("latin-1")
        return Response(status=308, headers={"Location": f"{base_path}/{query and f'?{query}'}"})

    if base_path:
        routes.add_url_rule(base_path, view_func=beside_the_page)
    return routes
