"""The application: its routes, its parts, and what holds for every answer."""

from collections.abc import Callable

from flask import Blueprint, Flask

from proxy.access import hosts, rules
from proxy.api import control, envelope, events, management, own, page, prompts
from proxy.calls.held_calls import HeldCalls
from proxy.config import Config
from proxy.faces import addresses, anthropic, ollama, openai
from proxy.meter import Meter
from proxy.metrics import routes as metrics
from proxy.metrics.doors import Doors
from proxy.parts import Parts
from proxy.serving import headers
from proxy.serving.base_path import BelowBasePath
from proxy.serving.concurrency import Concurrency

FACES: tuple[Callable[[Parts, HeldCalls], Blueprint], ...] = (
    ollama.blueprint,
    openai.blueprint,
    anthropic.blueprint,
    addresses.blueprint,
)
"""Other protocols for the same prompts."""


def create_app(config: Config, concurrency: Concurrency) -> Flask:
    """Make the application and start its writer. `parts(app)` gives what must be stopped and closed."""
    app = Flask("proxy", static_folder=None)
    app.url_map.merge_slashes = False  # else //api/v1/prompt would be a redirect, and a POST would lose its body
    counts = _meter(config)
    made = Parts(config, concurrency, counts)
    app.extensions |= {"proxy": made, "meter": counts}
    envelope.register(app, made)
    app.before_request(hosts.guard(config.allowed_hosts))  # before any other answers
    app.before_request(rules.guard(made.gate))
    app.after_request(headers.add)
    app.register_blueprint(prompts.blueprint(made))
    app.register_blueprint(events.blueprint(made))
    app.register_blueprint(own.blueprint(made))
    app.register_blueprint(management.blueprint(made))
    app.register_blueprint(control.blueprint(made))
    write = _exposition(made, counts)
    app.register_blueprint(metrics.blueprint(write))
    app.register_blueprint(page.blueprint(config.page, config.base_path))
    calls = HeldCalls(made)
    for face in FACES:
        app.register_blueprint(face(made, calls))
    if config.base_path:
        app.wsgi_app = BelowBasePath(app.wsgi_app, app.url_map, config.base_path)  # type: ignore[method-assign]
    if write:
        app.wsgi_app = Doors(app.wsgi_app, config, counts, write)  # type: ignore[method-assign]
    return app


def parts(app: Flask) -> Parts:
    """Give the parts that `app` serves with."""
    made: Parts = app.extensions["proxy"]
    return made


def meter(app: Flask) -> Meter:
    """Give what counts the work of `app`."""
    counts: Meter = app.extensions["meter"]
    return counts


def _meter(config: Config) -> Meter:
    if not config.metrics_port:
        return Meter()
    from proxy.metrics.http_meter import HTTPMeter  # noqa: PLC0415 (the library takes megabytes of each process)

    return HTTPMeter(most_held=config.max_streams)


def _exposition(made: Parts, counts: Meter) -> metrics.Write | None:
    if not made.config.metrics_port:
        return None
    from proxy.metrics.exposition import Exposition  # noqa: PLC0415 (as in _meter)

    return Exposition(made, counts).write
