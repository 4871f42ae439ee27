"""The project's programs as the images have them: without what is installed only for the tests.

kopf loads the package `kubernetes` wherever it finds it, and that takes a third of the controller's start. No image has
it, and neither have the programs that tests start.
"""

import os
import runpy
import sys


def command(module: str, *options: str) -> list[str]:
    """What starts a program of the project; `options` are Python's."""
    return [sys.executable, "-P", *options, __file__, module]


if __name__ == "__main__":
    sys.modules["kubernetes"] = None  # type: ignore[assignment]
    # aiohttp reads the machine's authorities when it is loaded: a tenth of a second. A test's API server has its own.
    os.environ.setdefault("SSL_CERT_FILE", os.devnull)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
