"""First process of a world: starts the command, reaps what is orphaned, and ends with the command."""

import os
import signal
import subprocess
import sys


def main() -> int:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    # A terminal's Ctrl-C is for the command, which ends what it began in its own order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, setsigdef=[signal.SIGINT])
    while True:
        pid, status = os.wait()
        if pid == command:
            return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    # At once, with whatever still runs: the kernel ends it.
    os._exit(main())
