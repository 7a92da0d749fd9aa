"""The application with the tiny face, for Gunicorn."""

import tiny

tiny.add()

from proxy.wsgi import app  # noqa: E402 (made with what was added)

__all__ = ["app"]
