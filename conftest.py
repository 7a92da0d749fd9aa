"""The environment of all tests: whatever they start asks this machine, and no `make` that runs them has a say."""

import os

for name in ("no_proxy", "NO_PROXY"):
    os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost", "[::1]", "::1"]))

# Of `make test`: a make that a test starts would take its flags and say which folder it enters.
for name in [each for each in os.environ if each.startswith("MAKE") or each == "MFLAGS"]:
    del os.environ[name]
