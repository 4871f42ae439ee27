"""Folders of clusters in the temporary directory: removed after use, by the next cluster if their owner was killed."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from devcluster.errors import ClusterError
from devcluster.locks import hold, is_held

#: Seconds to wait for other processes' file operations beside ours.
LOCK_DEADLINE = 30.0

#: How many folders with kept logs stay.
KEPT_FOLDERS = 10

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
        with hold(parent / _LOCK, seconds=LOCK_DEADLINE):
            path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
            return cls(path, hold(path / _LOCK))

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
    """Remove the folders whose owner is gone, except the newest of those that were kept on purpose."""
    with hold(parent / _LOCK, seconds=LOCK_DEADLINE):
        abandoned = [path for path in parent.iterdir() if path.is_dir() and not is_held(path / _LOCK)]
        for path in set(abandoned).difference(_newest_kept(abandoned)):
            shutil.rmtree(path, ignore_errors=True)


def _newest_kept(paths: Iterable[Path]) -> list[Path]:
    kept = [path / _KEPT for path in paths if (path / _KEPT).exists()]
    newest = sorted(kept, key=lambda mark: mark.stat().st_mtime, reverse=True)[:KEPT_FOLDERS]
    return [mark.parent for mark in newest]


def _parent() -> Path:
    parent = Path(tempfile.gettempdir(), f"hypertally-clusters-{os.getuid()}")
    with suppress(FileExistsError):
        parent.mkdir(mode=0o700)
    if parent.stat().st_uid != os.getuid():
        raise ClusterError(f"{parent} belongs to somebody else: set TMPDIR to a folder of your own")
    return parent
