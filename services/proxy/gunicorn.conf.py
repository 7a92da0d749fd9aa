"""How Gunicorn serves the proxy. Its settings are named in Gunicorn's own documentation."""

import os
import shutil
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from promptqueue.logs import Format
from promptqueue.settings import read_or_exit
from proxy.access import published
from proxy.config import Config
from proxy.metrics import folder
from proxy.serving import descriptors


class logger_class(Logger):  # type: ignore[misc]  # noqa: N801 (the setting's name; Gunicorn has no types)
    """Gunicorn's own lines, in the form of all others."""

    def setup(self, cfg: object) -> None:
        """Begin to log."""
        super().setup(cfg)
        self.error_log.name = "gunicorn"  # its own, "gunicorn.error", makes every line look like an error
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(Format())


_config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
published.check(_config, os.environ)  # noqa: TID251 (an entry file)
_caps = descriptors.caps(_config.max_streams)

bind = [_config.bind, *([_config.metrics_bind] if _config.metrics_port else [])]
workers = _config.proxy_processes
worker_class = "proxy.gevent_worker.Worker"
worker_connections = _caps.connections
keepalive = 75
limit_request_fields = 32
limit_request_line = 8190  # the most there is: an id of any length that a client makes up is not found
graceful_timeout = 25
control_socket_disable = True
# The heartbeat's file on a disk would stop the worker whenever the disk is busy.
worker_tmp_dir = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)  # noqa: S108
# Headers by which a front server could move the application: ours never does, and a client's would be an error 500.
forwarder_headers = ""
loglevel = _config.log_level
accesslog = "-" if _config.log_level == "debug" else None
# Without what stands behind a question mark, in the referring address too: it may be somebody's secret.
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(b)s "%(a)s"'


def on_starting(server: Any) -> None:
    """Say once, for all processes, what few descriptors lower."""
    if line := _caps.lowered(_config.max_streams):
        server.log.warning(line)


def when_ready(_server: object) -> None:
    """Let the processes count together, now that nobody else can have this port."""
    if _config.metrics_port:
        os.environ[folder.VARIABLE] = str(folder.make(worker_tmp_dir, _config.metrics_port))  # noqa: TID251


def child_exit(_server: object, worker: Any) -> None:
    """Forget what a process held at its end, however it came."""
    if _config.metrics_port:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 (the master needs it for this alone)

        mark_process_dead(worker.pid)


def on_exit(_server: object) -> None:
    """Leave nothing."""
    if _config.metrics_port:
        shutil.rmtree(os.environ[folder.VARIABLE], ignore_errors=True)  # noqa: TID251


def worker_exit(_server: object, worker: object) -> None:
    """Let go of the queue once the last request is served."""
    from proxy.app import parts  # noqa: PLC0415 (Gunicorn's master never needs the application)

    if app := getattr(worker, "wsgi", None):  # it has none when it failed to start
        parts(app).close()
