"""First process of a world: starts the command, reaps what is orphaned, and ends with the command."""

import os
import subprocess
import sys


def main() -> int:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    command = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    while True:
        pid, status = os.wait()
        if pid == command:
            return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    # At once, with whatever still runs: the kernel ends it.
    os._exit(main())
