"""The programs of Debian's prometheus."""

import shutil

from .errors import MissingPart


def find(program: str) -> str:
    """The path of `prometheus` or `promtool`. Raises MissingPart."""
    found = shutil.which(program)
    if found is None:
        raise MissingPart(f"{program} is missing; install it with: apt-get install prometheus (make setup does)")
    return found
