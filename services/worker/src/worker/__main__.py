"""`python -m worker` is `python -m worker.main`."""

import sys

from worker.main import main

sys.exit(main())
