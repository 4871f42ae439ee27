"""Folders of clusters in the temporary directory: removed after use, by the next cluster if their owner was killed."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from devcluster.errors import ClusterError

_LOCK = "lock"
_KEPT = "kept"


class Directory:
    """A folder that belongs to this process as long as it holds the lock in it, or a folder that was given to it."""

    def __init__(self, path: Path, lock: IO[str] | None) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def given(cls, path: Path) -> Self:
        """Somebody else's folder: nothing in it is ever removed here."""
        return cls(path, None)

    @classmethod
    def make(cls, name: str) -> Self:
        """A new folder beside those of other clusters; what killed processes left there is swept away."""
        parent = _parent()
        sweep(parent)
        # Made under the parent's lock: a sweep between the folder's and its lock's creation would take it away.
        with _locked(parent / _LOCK):
            path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
            return cls(path, _locked(path / _LOCK))

    def remove(self) -> None:
        """Remove the folder, unless it was given, or its logs were kept before."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            self._release(self._lock)

    def keep_logs(self) -> None:
        """Remove the data, which are large, and leave the logs for a person to read."""
        if self._lock is None:
            return
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.suffix != ".log":
                entry.unlink()
        (self.path / _KEPT).touch()
        self._release(self._lock)

    def _release(self, lock: IO[str]) -> None:
        lock.close()
        self._lock = None


def sweep(parent: Path) -> None:
    """Remove the folders whose owner is gone, except those that were kept on purpose."""
    with _locked(parent / _LOCK):
        for path in parent.iterdir():
            if path.is_dir() and not (path / _KEPT).exists() and not is_held(path / _LOCK):
                shutil.rmtree(path, ignore_errors=True)


def is_held(lock: Path) -> bool:
    """Whether a living process holds that lock file. The kernel gives a lock back when its holder dies."""
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def hold(lock: Path) -> IO[str]:
    """Hold a lock file until the returned file is closed or this process ends; ClusterError when another holds it."""
    file = lock.open("a")
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ClusterError(f"another process holds {lock}") from None
    return file


def _locked(lock: Path) -> IO[str]:
    """The same, waiting for the other. Only held for some file operations, so the wait is short."""
    file = lock.open("a")
    fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    return file


def _parent() -> Path:
    parent = Path(tempfile.gettempdir(), f"hypertally-clusters-{os.getuid()}")
    with suppress(FileExistsError):
        parent.mkdir(mode=0o700)
    if parent.stat().st_uid != os.getuid():
        raise ClusterError(f"{parent} belongs to somebody else: set TMPDIR to a folder of your own")
    return parent
