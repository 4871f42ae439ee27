"""Typed copies of the API server's objects, newest version wins, whoever brings them."""

import logging
from collections.abc import Callable, Iterable, Iterator
from sys import intern
from typing import Any, Generic, TypeVar

import msgspec

from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import MalformedObject, decode
from hypertally.api.instance import Instance
from hypertally.api.meta import ObjectMeta
from hypertally.api.migration import Migration
from hypertally.serving.logs import about

log = logging.getLogger(__name__)

Object = dict[str, Any]


T = TypeVar("T", bound=ComputeNode | Instance | Migration)


def key_of(metadata: ObjectMeta) -> str:
    """`namespace/name`; the bare name for what has no namespace."""
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name


def instance_key(migration: Migration) -> str:
    """Of the Instance that it moves: in its own namespace."""
    return f"{migration.metadata.namespace}/{migration.spec.instance_name}"


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

    def take(self, objects: list[Object]) -> set[str]:
        """A part of a full list. What is held in a newer version is of a history that the server no longer has (a
        restored backup)."""
        return {key for obj in objects if (key := self._put(obj, is_whole=True)) is not None}

    def keep(self, keys: set[str]) -> None:
        """These are all there are: what is held and not among them is gone."""
        for key in self._objects.keys() - keys:
            self._drop(key)

    def put(self, obj: Object) -> None:
        self._put(obj)

    def renew(self, obj: Object) -> None:
        """What the server answered to a write of ours: the watch will bring it, too, a moment later. It may also have
        told already that the object is gone."""
        metadata = msgspec.convert(obj["metadata"], ObjectMeta)
        held = self._objects.get(key_of(metadata))
        if held is not None and held.metadata.uid == metadata.uid:
            self._put(obj)

    def remove(self, obj: Object) -> None:
        metadata = msgspec.convert(obj["metadata"], ObjectMeta)
        held = self._objects.get(key_of(metadata))
        if held is not None and held.metadata.uid == metadata.uid:
            self._drop(key_of(metadata))

    def keep_only(self, uids: frozenset[str], before: str) -> None:
        """Drop what a full list, made at version `before`, no longer has."""
        for key, held in list(self._objects.items()):
            if held.metadata.uid not in uids and version_of(held.metadata.resource_version) <= version_of(before):
                self._drop(key)

    def outdated(self, present: Iterable[Object]) -> list[Object]:
        """Of the metadata of all that is there, those that are not held, or held in an older version."""
        held = {o.metadata.uid: version_of(o.metadata.resource_version) for o in self._objects.values()}
        return [m for m in present if held.get(m["uid"], -1) < version_of(m["resourceVersion"])]

    def _put(self, obj: Object, *, is_whole: bool = False) -> str | None:
        if (held := self._held_as_is(obj)) is not None:
            return held
        try:
            new = decode(_shared(obj), self._kind)
        except MalformedObject as error:
            extra = about(error.kind, error.name)
            log.error("left out until it is mended: %s", error, extra=extra)  # noqa: TRY400  # one line, no trace
            return None
        key = key_of(new.metadata)
        old = self._objects.get(key)
        if old is not None and old.metadata.uid == new.metadata.uid:
            if not is_whole and not _is_newer(new.metadata, old.metadata):
                return key
        elif old is not None:
            self._drop(key)
            old = None
        self._objects[key] = new
        self._changed(old, new)
        return key

    def _held_as_is(self, obj: Object) -> str | None:
        """The key of an object that is held in this very version. The watch repeats each write of ours a moment after
        the server's answer: to decode a host of forty guests takes longer than to decide on it."""
        metadata = _object(_object(obj).get("metadata"))
        name, namespace = metadata.get("name"), metadata.get("namespace")
        key = f"{namespace}/{name}" if namespace else str(name)
        held = self._objects.get(key)
        same = held and (held.metadata.uid, held.metadata.resource_version)
        return key if same == (metadata.get("uid"), metadata.get("resourceVersion")) else None

    def _drop(self, key: str) -> None:
        self._changed(self._objects.pop(key), None)


def _shared(obj: Object) -> Object:
    """The same object, with each string kept once that others have too: a claim repeats the names of its Instance, one
    condition reads like the next. Of what a fleet takes it is more than half."""
    for part in _parts(obj):
        for key, value in part.items():
            if type(value) is str:
                part[key] = intern(value)
    return obj


def _parts(obj: Object) -> Iterator[Object]:
    """Where such strings are. What is no object there is left to the decoder."""
    obj = _object(obj)
    status = _object(obj.get("status"))
    report, ledger = _object(status.get("report")), _object(status.get("ledger"))
    yield from (_object(obj.get("metadata")), _object(obj.get("spec")), status)
    for some in (status.get("conditions"), report.get("guests"), ledger.get("claims")):
        yield from filter(None, map(_object, some if isinstance(some, list) else ()))
    cpu = _object(report.get("cpu"))
    if isinstance(features := cpu.get("features"), list):
        cpu["features"] = [intern(one) if type(one) is str else one for one in features]


def _object(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _is_newer(new: ObjectMeta, old: ObjectMeta) -> bool:
    return version_of(new.resource_version) > version_of(old.resource_version)


def version_of(text: str) -> int:
    """resourceVersions of one resource are comparable integers since Kubernetes 1.35 (KEP-5504), and were before."""
    return int(text) if text.isdigit() else 0
