"""What a running program has cost so far."""

import re
import time
from pathlib import Path

PATIENCE = ("--agent-grace=86400", "--resync-interval=86400", "--collect-interval=86400")
"""Of a controller that is measured: nobody renews the Leases of these hosts, which would all fall silent in the middle
of a run; and what it does every few minutes would be counted as the cost of something else."""


def cpu_seconds(pid: int) -> float:
    """CPU time of all its threads, in user mode and in the kernel, to the microsecond (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def resident_mib(pid: int, field: str = "VmRSS") -> float:
    """`VmHWM` is the most that it ever was."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"process {pid} tells no {field}")
    return int(found[1]) / 1024


def rest(pid: int, *, seconds: float, core: float = 0.05) -> None:
    """Until it has used less than that share of a core for two seconds."""
    end, before = time.monotonic() + seconds, cpu_seconds(pid)
    while True:
        time.sleep(2)
        used, before = cpu_seconds(pid) - before, cpu_seconds(pid)
        if used < 2 * core:
            return
        if time.monotonic() > end:
            raise TimeoutError(f"process {pid} is still busy after {seconds:.0f} s")
