"""`python -m proxy`: the application on Flask's development server, which stands on `http.server`, without Gunicorn."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from promptqueue.environment import read_or_exit
from werkzeug.serving import make_server

from proxy import concurrency, logs
from proxy.app import create_app, parts
from proxy.config import Config

if TYPE_CHECKING:
    from types import FrameType

log = logging.getLogger("proxy")


def main() -> int:
    """Serve until the process is told to stop; its exit code."""
    config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
    here = concurrency.current()
    logs.to_stdout(config.log_level, here)
    logging.getLogger("werkzeug").setLevel(logging.INFO if config.log_level == "debug" else logging.WARNING)
    app = create_app(config, here)
    server = make_server(config.bind_address, config.proxy_port, app, threaded=True)

    def stop(_number: int, _frame: FrameType | None) -> None:
        parts(app).stop()
        threading.Thread(target=server.shutdown).start()  # from here it would wait for itself

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    log.info("proxy listens address=%s port=%d", config.bind_address, config.proxy_port)
    server.serve_forever()
    server.server_close()
    parts(app).close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
