"""PCI devices, mediated devices and storage pools within the bounds of a report."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from msgspec.structs import replace

from .bounds import (
    COUNT_MAX,
    MDEV_PARENT_MAX,
    MDEV_TEXT_MAX,
    MDEV_TYPES_MAX,
    MDEVS_MAX,
    MDEVS_TOGETHER,
    ORDINAL_MAX,
    PCI_ADDRESS_MAX,
    PCI_DEVICES_MAX,
    PCI_POOLS_MAX,
    STORAGE_IDENTITY_MAX,
    STORAGE_NAME_MAX,
    STORAGE_POOLS_MAX,
    STORAGE_TYPE_MAX,
    TAG_VALUE_MAX,
    TAGS_MAX,
    TAGS_TOGETHER,
    within,
)
from .cuts import Allowance, Cuts
from .forms import PCI_ADDRESS, PCI_ID, TAG_KEY, TAG_VALUE, UUID, WORD, has_form, plain, word
from .inventory import MdevType, PciDevice, PciPool, PciType, StoragePool
from .order import by_key

_HASHED = 64
"""Characters of a SHA-256."""


def fit_pci_pools(pools: Iterable[PciPool], cuts: Cuts) -> tuple[PciPool, ...]:
    devices = Allowance(cuts, "pciPools[].devices", PCI_DEVICES_MAX)
    tags = Allowance(cuts, "pciPools[].tags", TAGS_TOGETHER)

    def fit(pool: PciPool) -> PciPool:
        return replace(
            pool,
            tags=dict(tags.take(sorted(pool.tags.items()), TAGS_MAX)),
            devices=devices.take(_fit_devices(pool.devices, cuts), PCI_DEVICES_MAX),
        )

    known = cuts.fitting("pciPools", pools, _is_pool)
    merged = _merged(replace(pool, numa_cell=_cell(pool), tags=_fit_tags(pool.tags, cuts)) for pool in known)
    return tuple(map(fit, cuts.first("pciPools", merged, PCI_POOLS_MAX)))


def _is_pool(pool: PciPool) -> bool:
    ids = (pool.vendor_id, pool.product_id)
    return pool.type is not PciType.UNKNOWN and all(has_form(PCI_ID, text, len(text)) for text in ids)


def _cell(pool: PciPool) -> int | None:
    return pool.numa_cell if pool.numa_cell is not None and 0 <= pool.numa_cell <= ORDINAL_MAX else None


def _fit_tags(tags: Mapping[str, str], cuts: Cuts) -> dict[str, str]:
    return dict(
        cuts.fitting(
            "pciPools[].tags",
            tags.items(),
            lambda tag: TAG_KEY.fullmatch(tag[0]) is not None and has_form(TAG_VALUE, tag[1], TAG_VALUE_MAX),
        )
    )


def _merged(pools: Iterable[PciPool]) -> list[PciPool]:
    """Sorted; devices of pools that nothing tells apart are in one."""
    found: dict[tuple[object, ...], PciPool] = {}
    for pool in pools:
        cell = -1 if pool.numa_cell is None else pool.numa_cell
        key = (pool.vendor_id, pool.product_id, pool.type, cell, tuple(sorted(pool.tags.items())))
        same = found.get(key)
        found[key] = replace(same, devices=(*same.devices, *pool.devices)) if same else pool
    return [found[key] for key in sorted(found)]


def _fit_devices(devices: Iterable[PciDevice], cuts: Cuts) -> list[PciDevice]:
    known = cuts.fitting("pciPools[].devices", devices, lambda device: _is_address(device.address))
    found = (each if _is_address(each.parent_address) else replace(each, parent_address="") for each in known)
    return by_key(found, lambda device: device.address)


def _is_address(text: str) -> bool:
    return has_form(PCI_ADDRESS, text, PCI_ADDRESS_MAX)


def fit_mdev_types(types: Iterable[MdevType], cuts: Cuts) -> tuple[MdevType, ...]:
    instances = Allowance(cuts, "mdevTypes[].instances", MDEVS_TOGETHER)

    def fit(type_: MdevType) -> MdevType:
        uuids = cuts.fitting("mdevTypes[].instances", set(type_.instances), lambda each: has_form(UUID, each, 36))
        return replace(
            type_,
            name=type_.name and plain(type_.name, MDEV_TEXT_MAX),
            available=within(type_.available, COUNT_MAX),
            instances=instances.take(sorted(uuids), MDEVS_MAX),
        )

    known = by_key(cuts.fitting("mdevTypes", types, _is_mdev_type), lambda each: (each.parent_address, each.type))
    return tuple(map(fit, cuts.first("mdevTypes", known, MDEV_TYPES_MAX)))


def _is_mdev_type(type_: MdevType) -> bool:
    return has_form(WORD, type_.parent_address, MDEV_PARENT_MAX) and has_form(WORD, type_.type, MDEV_TEXT_MAX)


def fit_storage_pools(pools: Iterable[StoragePool], cuts: Cuts) -> tuple[StoragePool, ...]:
    known = cuts.fitting("storagePools", pools, lambda pool: has_form(UUID, pool.uuid, 36))
    found = cuts.first("storagePools", by_key(known, lambda pool: pool.uuid), STORAGE_POOLS_MAX)
    return tuple(map(_fit_storage_pool, found))


def _fit_storage_pool(pool: StoragePool) -> StoragePool:
    return replace(
        pool,
        name=plain(pool.name, STORAGE_NAME_MAX),
        type=word(pool.type)[:STORAGE_TYPE_MAX] or "unknown",
        identity=_fit_identity(pool.identity),
        capacity_mib=_size(pool.capacity_mib),
        allocation_mib=_size(pool.allocation_mib),
        available_mib=_size(pool.available_mib),
    )


def _fit_identity(identity: str) -> str:
    """What is no word, or too long, ends in its hash, so that it stays the same on all hosts and no other's."""
    if has_form(WORD, identity, STORAGE_IDENTITY_MAX):
        return identity
    begin = word(identity)[: STORAGE_IDENTITY_MAX - _HASHED - 1]
    return f"{begin}:{sha256(identity.encode(errors='surrogatepass')).hexdigest()}"


def _size(mib: int | None) -> int | None:
    return None if mib is None else within(mib)
