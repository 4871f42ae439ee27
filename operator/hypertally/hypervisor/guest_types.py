"""The kinds of guests that a host can run: Nova's supported_instances, in Nova's words."""

import re

from hypertally.api.inventory import GuestType

from .back_end import ImagesType
from .capabilities import GuestKind
from .facts import Part, Snapshot, Unread

_ARCHITECTURES = {"i386": "i686", "i486": "i686", "i586": "i686", "x86_32": "i686", "x86_32p": "i686"}
_ARCHITECTURES |= {"amd64": "x86_64", "ppc64el": "ppc64le"}
_OS_TYPES = {"pv": "xen", "hv": "hvm", "linux": "xen"}
"""`linux` is libvirt's older word for a paravirtual guest of Xen."""
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")

CEPH = "ceph"
"""In place of a hypervisor: the guests' disks are on Ceph. `storagePools` says in which pool of which cluster."""


def guest_types(snapshot: Snapshot) -> Part[tuple[GuestType, ...]]:
    """Sorted. Architectures that Nova does not know are told as well: a request for one may match."""
    capabilities = snapshot.capabilities
    if isinstance(capabilities, Unread):
        return Part(capabilities)
    types = {kind for kind in map(_canonical, capabilities.guest_kinds) if _is_plain(kind)}
    if snapshot.settings.images_type is ImagesType.RBD:
        types |= {GuestKind(kind.arch, CEPH, kind.os_type) for kind in types}
    return Part(
        tuple(GuestType(arch=kind.arch, hypervisor=kind.domain_type, os_type=kind.os_type) for kind in sorted(types))
    )


def _canonical(kind: GuestKind) -> GuestKind:
    arch, os_type = kind.arch.lower(), kind.os_type.lower()
    return GuestKind(_ARCHITECTURES.get(arch, arch), kind.domain_type.lower(), _OS_TYPES.get(os_type, os_type))


def _is_plain(kind: GuestKind) -> bool:
    return all(map(_WORD.fullmatch, (kind.arch, kind.domain_type, kind.os_type)))
