"""Which copies in the cache turned out to be out of date."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypertally.kube.errors import Conflict, Invalid, NotFound


class Doubts:
    """What is decided on a copy is written on condition that it is still so. A server that refuses knows better: the
    next decision is made on what it answers then, and not on a copy that may be the same as before."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def settle(self, key: str) -> bool:
        """Whether a live read is due. It is asked for once: the next refusal brings the next doubt."""
        is_doubted = key in self._keys
        self._keys.discard(key)
        return is_doubted

    @contextmanager
    def about(self, key: str) -> Iterator[None]:
        """Around the write."""
        try:
            yield
        except (Conflict, Invalid, NotFound):
            self._keys.add(key)
            raise
