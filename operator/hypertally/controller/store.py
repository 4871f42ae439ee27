"""Typed copies of the API server's objects, newest version wins, whoever brings them."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import MalformedObject, decode
from hypertally.api.instance import Instance
from hypertally.api.meta import ObjectMeta
from hypertally.api.migration import Migration

log = logging.getLogger(__name__)

Object = dict[str, Any]


T = TypeVar("T", bound=ComputeNode | Instance | Migration)


def key_of(metadata: ObjectMeta) -> str:
    """`namespace/name`; the bare name for what has no namespace."""
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name


class Store(Generic[T]):
    """`changed(old, new)` is called after each change; one of the two is None for an object that came or went."""

    def __init__(self, kind: type[T], changed: Callable[[T | None, T | None], None]) -> None:
        self._kind = kind
        self._changed = changed
        self._objects: dict[str, T] = {}

    def get(self, key: str) -> T | None:
        return self._objects.get(key)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)

    def replace(self, objects: list[Object]) -> None:
        """These are all there are: what is held and not among them is gone, and what is held in a newer version is of a
        history that the server no longer has (a restored backup)."""
        present = {key for obj in objects if (key := self._put(obj, is_whole=True)) is not None}
        for key in self._objects.keys() - present:
            self._drop(key)

    def put(self, obj: Object) -> None:
        self._put(obj)

    def remove(self, obj: Object) -> None:
        metadata = msgspec.convert(obj["metadata"], ObjectMeta)
        held = self._objects.get(key_of(metadata))
        if held is not None and held.metadata.uid == metadata.uid:
            self._drop(key_of(metadata))

    def keep_only(self, uids: frozenset[str], before: str) -> None:
        """Drop what a full list, made at version `before`, no longer has."""
        for key, held in list(self._objects.items()):
            if held.metadata.uid not in uids and _version(held.metadata.resource_version) <= _version(before):
                self._drop(key)

    def outdated(self, present: Iterable[Object]) -> list[Object]:
        """Of the metadata of all that is there, those that are not held, or held in an older version."""
        held = {o.metadata.uid: _version(o.metadata.resource_version) for o in self._objects.values()}
        return [m for m in present if held.get(m["uid"], -1) < _version(m["resourceVersion"])]

    def _put(self, obj: Object, *, is_whole: bool = False) -> str | None:
        try:
            new = decode(obj, self._kind)
        except MalformedObject as error:
            log.error("left out until it is mended: %s", error)  # noqa: TRY400  # one line, no trace
            return None
        key = key_of(new.metadata)
        old = self._objects.get(key)
        if old is not None and old.metadata.uid == new.metadata.uid:
            same = old.metadata.resource_version == new.metadata.resource_version
            if same or (not is_whole and not _is_newer(new.metadata, old.metadata)):
                return key
        if old is not None and old.metadata.uid != new.metadata.uid:
            self._drop(key)
            old = None
        self._objects[key] = new
        self._changed(old, new)
        return key

    def _drop(self, key: str) -> None:
        self._changed(self._objects.pop(key), None)


def _is_newer(new: ObjectMeta, old: ObjectMeta) -> bool:
    return _version(new.resource_version) > _version(old.resource_version)


def _version(text: str) -> int:
    """resourceVersions of one resource are comparable integers since Kubernetes 1.35 (KEP-5504), and were before."""
    return int(text) if text.isdigit() else 0
