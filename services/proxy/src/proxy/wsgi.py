"""The application for Gunicorn: `gunicorn --config services/proxy/gunicorn.conf.py proxy.wsgi:app`."""

import os

from promptqueue.environment import read_or_exit

from proxy import logs
from proxy.app import create_app
from proxy.config import Config

_config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
logs.to_stdout(_config.log_level)

app = create_app(_config)
