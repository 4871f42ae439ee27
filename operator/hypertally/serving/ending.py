"""The end of a program that has ended all that is to be ended in order."""

import logging
import os
import sys
from typing import NoReturn


def end_process(code: int) -> NoReturn:
    """At once: an orderly end of the interpreter would meet threads that hang in libvirt or that kopf left."""
    try:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:  # nobody may be there to read
        os._exit(code)
