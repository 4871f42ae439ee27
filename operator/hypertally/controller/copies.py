"""Which of the cache's copies may be decided on."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypertally.kube.errors import Conflict, Invalid, NotFound


class Copies:
    """What is decided on a copy is written on condition that it is still so. A server that refuses knows better: the
    next decision is made on what it answers, and not on a copy that may be the same as before. One that lacks keys
    which a newer version wrote would be refused each time."""

    def __init__(self) -> None:
        self._doubted: set[str] = set()

    def may_be_so(self, key: str) -> bool:
        return key not in self._doubted

    def was_read(self, key: str, *, is_whole: bool = True) -> None:
        """From the server. `is_whole`: a copy of it has all that this program would replace."""
        self.forget(key)
        if not is_whole:
            self._doubted.add(key)

    def forget(self, key: str) -> None:
        self._doubted.discard(key)

    @contextmanager
    def written(self, key: str) -> Iterator[None]:
        """Around the write."""
        try:
            yield
        except (Conflict, Invalid, NotFound):
            self._doubted.add(key)
            raise
