"""The application with the tiny face, on the development server."""

import sys

import tiny
from proxy.__main__ import main

tiny.add()
sys.exit(main())
