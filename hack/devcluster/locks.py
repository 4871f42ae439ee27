"""Lock files. The kernel gives a lock back when its holder ends, however that happens."""

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO

from devcluster.waiting import wait_until


def hold(lock: Path, *, seconds: float = 1.0) -> IO[str]:
    """Hold the lock until the returned file is closed or this process ends; DeadlineError when another holds it.

    Never tried only once: somebody who merely asks `is_held` holds it for that moment.
    """
    file = lock.open("a")
    try:
        wait_until(lambda: try_lock(file), seconds=seconds, what=f"{lock}, which another process holds")
    except BaseException:
        file.close()
        raise
    return file


def is_held(lock: Path) -> bool:
    """Whether a living process holds that lock."""
    with suppress(FileNotFoundError), lock.open() as file:
        return not try_lock(file)
    return False


def try_lock(file: IO[str]) -> bool:
    """Hold that open lock file, if nobody else does."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
