"""Which of the cache's copies may be decided on."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypertally.kube.errors import Conflict, Invalid, NotFound


class Copies:
    """What is decided on a copy is written on condition that it is still so. A server that refuses knows better: the
    next decision is made on what it answers, and not on a copy that may be the same as before. One that lacks keys
    which a newer version wrote would be refused each time."""

    def __init__(self) -> None:
        self._refused: set[str] = set()
        self._partial: set[str] = set()

    def may_be_so(self, key: str) -> bool:
        return key not in self._refused and key not in self._partial

    def was_read(self, key: str, *, is_whole: bool = True) -> None:
        """From the server. `is_whole`: a copy of it has all that this program would replace."""
        self._refused.discard(key)
        if is_whole:
            self._partial.discard(key)
        else:
            self._partial.add(key)

    def forget(self, key: str) -> None:
        self._refused.discard(key)
        self._partial.discard(key)

    @contextmanager
    def written(self, key: str) -> Iterator[None]:
        """Around the write."""
        try:
            yield
        except (Conflict, Invalid, NotFound):
            self._refused.add(key)
            raise
