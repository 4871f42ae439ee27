"""Seeing whether processes are gone."""

from pathlib import Path

from devcluster import wait_until

SECONDS = 30.0


def is_alive(pid: int) -> bool:
    """A zombie counts as dead: where the first process of a container reaps nobody, they stay."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_dead(*pids: int) -> None:
    """Until none of them runs."""
    wait_until(lambda: not any(map(is_alive, pids)), seconds=SECONDS, what=f"processes {pids} to end")
