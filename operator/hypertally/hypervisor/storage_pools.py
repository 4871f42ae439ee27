"""libvirt's storage pools, with what they stand on, so that storage that many hosts share can be counted once.

Sizes are libvirt's own, of the pool's last refresh: its start, a volume made or deleted through libvirt, or
`virsh pool-refresh`, which a read-only connection may not ask for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from hypertally.api.inventory import StoragePool

from .ceph_conf import CephConf, host_of
from .facts import Absent, Part, PoolFacts, Problem, Snapshot, Unread
from .xml import UnreadableXml, parse

_BYTES_PER_MIB = 1024 * 1024
_MOST_DIGITS = 20
_BESIDE_OTHERS = ("disk", "scsi")
"""Types whose target is a folder of the host's devices, the same for all of them: /dev, /dev/disk/by-path."""

_SHARED = {"netfs": "dir", "gluster": "name", "sheepdog": "name", "iscsi": "device", "iscsi-direct": "device"}
"""By type, which element of the source says what of the server it is."""


@dataclass(frozen=True)
class _Ground:
    """What the identity of a pool depends on besides its document."""

    host_uuid: str
    ceph: CephConf


def storage_pools(snapshot: Snapshot, host_uuid: str, last: Iterable[StoragePool]) -> Part[tuple[StoragePool, ...]]:
    """By uuid. `last` are the last known ones: they stand in for pools that cannot be read."""
    pools, ground = snapshot.storage_pools, _Ground(host_uuid, snapshot.ceph)
    known = {pool.uuid: pool for pool in last}
    if isinstance(pools, Absent) and not known:
        return Part(())
    if isinstance(pools, Unread):
        return Part(pools)
    found, problems = [], []
    for facts in sorted(pools or (), key=lambda pool: pool.uuid):
        pool = _pool(facts, ground)
        if isinstance(pool, Unread):
            problems.append(Problem(f"storage pool {facts.name}", pool.reason))
            found += [known[facts.uuid]] if facts.uuid in known else []
        else:
            found.append(pool)
    return Part(tuple(found), tuple(problems))


def _pool(facts: PoolFacts, ground: _Ground) -> StoragePool | Unread:
    if isinstance(facts.document, Unread):
        return facts.document
    try:
        root = parse(facts.document)
    except UnreadableXml as error:
        return Unread(str(error))
    type_ = root.get("type", "")
    sizes = {name: _mib(root, name) for name in ("capacity", "allocation", "available")} if facts.active else {}
    if None in sizes.values() or not type_:
        return Unread("its document lacks its type or a size")
    return StoragePool(
        name=facts.name,
        uuid=facts.uuid,
        type=type_,
        active=facts.active,
        identity=_identity(root, type_, ground),
        **{f"{name}_mib": size for name, size in sizes.items()},
    )


def _mib(root: Element, name: str) -> int | None:
    """libvirt writes bytes, whatever unit it was given."""
    text = (root.findtext(name) or "").strip()
    return int(text) // _BYTES_PER_MIB if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _identity(root: Element, type_: str, ground: _Ground) -> str:
    """The same on every host that shares it, and no other's: of what is local, the host's UUID is part."""
    hosts = sorted({host_of(host.get("name", "")) for host in root.iterfind("source/host")} - {""})
    if type_ == "rbd":
        return f"rbd:{_cluster(hosts, ground.ceph)}/{root.findtext('source/name') or ''}"
    if type_ in _SHARED and hosts:
        source = root.find(f"source/{_SHARED[type_]}")
        what = "" if source is None else source.get("path") or source.text or ""
        return f"{type_}:{','.join(hosts)}:{what}{_target_of(root)}"
    return f"local:{ground.host_uuid}:{_place(root)}"


def _cluster(monitors: list[str], ceph: CephConf) -> str:
    """Its fsid if this host's configuration is of the same cluster, else the monitors that the pool names."""
    same = not monitors or bool(ceph.monitors.intersection(monitors))
    return ceph.fsid if same and ceph.fsid else ",".join(monitors)


def _target_of(root: Element) -> str:
    """Of a gluster volume the folder in it that is the pool."""
    folder = root.find("source/dir")
    return folder.get("path", "") if folder is not None and root.get("type") == "gluster" else ""


def _place(root: Element) -> str:
    """Of this host: the folder that it is mounted at, else the volume group, adapter or device."""
    target = root.findtext("target/path")
    device = next((each.get("path") for each in root.iterfind("source/device")), None)
    places = [target, root.findtext("source/name"), _adapter(root), device]
    if root.get("type") in _BESIDE_OTHERS:
        places.reverse()
    return next((text for text in places if text), root.findtext("name") or "")


def _adapter(root: Element) -> str:
    """Every attribute of it: some are named, some are told by their world wide names or by their PCI address."""
    parts = (part for adapter in root.iterfind("source/adapter") for part in adapter.iter())
    return ",".join(sorted(f"{key}={value}" for part in parts for key, value in part.attrib.items()))
