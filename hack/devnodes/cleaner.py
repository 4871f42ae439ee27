"""Outlives a world, however that ends, and removes what it left: its folder and its control groups.

`python -m devnodes.cleaner FOLDER GROUP`, with the world's lifeline as standard input. In a session of its own: neither
a terminal's Ctrl-C nor an end of the world's whole process group reaches it.
"""

import shutil
import sys
import time
from pathlib import Path

from devnodes import cgroups

#: Seconds for the kernel to end the last processes, and to take them out of their control groups.
_REMOVAL_SECONDS = 30.0


def main() -> None:
    folder, group = sys.argv[1:]
    # Ends with the last who holds the other end.
    sys.stdin.buffer.read()
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while not cgroups.remove(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(Path(folder), ignore_errors=True)


if __name__ == "__main__":
    main()
