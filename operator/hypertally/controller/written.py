"""What our own writes prove: which ComputeNode is no older than which Instance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance
from hypertally.kube.aio import Object

from .store import version_of

_FRESH_SECONDS = 2.0
"""The Instance follows within milliseconds; a backup takes longer to restore."""


@dataclass(frozen=True)
class _Write:
    uid: str
    version: int
    at: float
    known: dict[str, str]
    """By uid, the resourceVersions of the Instances that were known when the write was sent."""


class WrittenNodes:
    """What an Instance is told must be so at its ComputeNode after the Instance was as it is. When this program knew
    the Instance in a version, and after that wrote the ComputeNode, then what the server answered was so after: who
    finds the Instance still in that version need not read the ComputeNode again. The last write of each is kept."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._writes: dict[str, _Write] = {}

    def note(self, written: Object, known: Iterable[Instance]) -> None:
        """`known`: of what was known before the write was sent, the Instances that have yet to be told of it."""
        metadata = written["metadata"]
        versions = {one.metadata.uid: one.metadata.resource_version for one in known}
        version = version_of(metadata["resourceVersion"])
        self._writes[metadata["name"]] = _Write(metadata["uid"], version, self._clock(), versions)

    def forget(self, name: str) -> None:
        self._writes.pop(name, None)

    def is_after(self, node: ComputeNode, instance: Instance) -> bool:
        """Whether `node` was so, as it is known here, after this version of the Instance was known here. Of another
        node of that name, of one from before the write, and of a write that is no longer fresh nothing is proven:
        history may have become another (a restored backup)."""
        write, metadata = self._writes.get(node.metadata.name), instance.metadata
        if write is None or write.uid != node.metadata.uid or self._clock() > write.at + _FRESH_SECONDS:
            return False
        is_known = write.known.get(metadata.uid) == metadata.resource_version
        return is_known and version_of(node.metadata.resource_version) >= write.version
