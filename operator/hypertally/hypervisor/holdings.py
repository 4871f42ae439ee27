"""What a guest holds of its host beyond plain sizes: CPUs of its own, cells, huge pages, devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypertally.api.base import wire_name
from hypertally.api.compute_node import Guest

from .cpu_set import format_cpu_set
from .disk_home import DiskHome
from .domain_xml import Domain, HugePages
from .facts import Unread
from .pinning import share

_OF_ITS_OWN = ("cells", "page_size_kib", "pci_addresses", "mdev_uuids")


@dataclass(frozen=True)
class Ground:
    """What the meaning of a guest's configuration depends on.

    `real_disks` is off for the test driver, whose disks are mere names: nothing is there that could have a size.
    """

    dedicated: frozenset[int] = frozenset()
    ordinary_page_kib: int = 4
    huge_page_kib: int = 2048
    """What huge pages are without a size of their own."""
    named: Mapping[str, str] = field(default_factory=dict)
    """The PCI address behind each vDPA character device and each network interface, which is all that a guest's XML
    names; empty where there is none."""
    real_disks: bool = True
    home: DiskHome = field(default_factory=DiskHome)
    """Where the disks live that count."""


@dataclass(frozen=True)
class Holdings:
    """`fields` are those of a Guest; `unknown` are the parts that are as they were, or absent, and why."""

    fields: dict[str, Any]
    unknown: Mapping[str, str] = field(default_factory=dict)


def holdings(vcpus: int, domain: Domain | None, last: Guest | None, ground: Ground) -> Holdings:
    """`vcpus` are all that it may have, 0 if that is unknown; without a `domain` everything is as it was."""
    known = {name: getattr(last, name) for name in _OF_ITS_OWN} if last else {}
    cpus = _cpus(vcpus, domain, last, ground)
    if domain is None:
        return Holdings(cpus | known)
    told: dict[str, Any] = {
        "cells": domain.cells if isinstance(domain.cells, Unread) else tuple(sorted(domain.cells)),
        "page_size_kib": _page_size_kib(domain.pages, ground),
        "pci_addresses": _pci_addresses(domain, last, ground),
        "mdev_uuids": domain.mdev_uuids,
    }
    parts = {"pinned_cpus": domain.pinning, **told}
    unknown = {wire_name(name): part.reason for name, part in parts.items() if isinstance(part, Unread)}
    return Holdings(cpus | known | {name: part for name, part in told.items() if not isinstance(part, Unread)}, unknown)


def _cpus(vcpus: int, domain: Domain | None, last: Guest | None, ground: Ground) -> dict[str, Any]:
    if vcpus and domain and not isinstance(domain.pinning, Unread):
        own = share(vcpus, domain.pinning, ground.dedicated)
        return {"vcpus": own.vcpus, "pcpus": len(own.cpus), "pinned_cpus": format_cpu_set(own.cpus)}
    if last:
        others = max(vcpus - last.pcpus, 0) if vcpus else last.vcpus
        return {"vcpus": others, "pcpus": last.pcpus, "pinned_cpus": last.pinned_cpus}
    # Nova's rule too: a guest that cannot be asked counts as one CPU, because none would be worse.
    return {"vcpus": vcpus or 1}


def _page_size_kib(pages: HugePages | Unread, ground: Ground) -> int | Unread:
    """The largest, where its cells differ: the one that is hardest to come by."""
    if isinstance(pages, Unread):
        return pages
    sizes = [*pages.sizes_kib, *([ground.huge_page_kib] if pages.unnamed else [])]
    return max((size for size in sizes if size > ground.ordinary_page_kib), default=0)


def _pci_addresses(domain: Domain, last: Guest | None, ground: Ground) -> tuple[str, ...] | Unread:
    """What has a name that the host does not list at present cannot be told apart from any other of the guest's."""
    if isinstance(domain.pci_addresses, Unread):
        return domain.pci_addresses
    behind = {ground.named.get(name, "") for name in domain.pci_names} - {""}
    before = last.pci_addresses if last and not ground.named.keys() >= set(domain.pci_names) else ()
    return tuple(sorted({*map(str, domain.pci_addresses), *behind, *before}))
