"""The application for Gunicorn: `gunicorn --config services/proxy/gunicorn.conf.py proxy.wsgi:app`."""

import os
from dataclasses import replace

from promptqueue.settings import read_or_exit

from proxy.app import create_app
from proxy.config import Config
from proxy.serving import concurrency, descriptors, logs

_config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
_concurrency = concurrency.current()
logs.to_stdout(_config.log_level, _concurrency)

app = create_app(replace(_config, max_streams=descriptors.caps(_config.max_streams).streams), _concurrency)
