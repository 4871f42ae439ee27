"""What an audit needs to be told."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from .back_end import DEFAULT_CEPH_CONF, BackEnd, ImagesType
from .cpu_set import format_cpu_set
from .device_spec import DeviceSpec
from .errors import BadSetting
from .reserved_pages import ReservedPages, check_reserved_pages

DEFAULT_INSTANCES_PATH = Path("/var/lib/libvirt/images")
"""libvirt's own default folder of disk images."""


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """`instances_path`: a folder on the file system that holds the guests' disks.

    `host_ip`: the address at which other hosts reach this one; empty means the one that the default route leaves from.

    `cpu_shared_set`: CPUs that carry vcpus; None means every CPU that is online, or none beside a dedicated set.

    `cpu_dedicated_set`: CPUs that guests get to themselves, as pcpus.

    `cpu_power_management`: something on the host powers idle dedicated CPUs off and on again for their guests, so that
    those that are off count as well.

    `reserved_huge_pages`: pages that are not for guests.

    `file_backed_memory_mib`: guests' memory is files, of this size in all, and takes the place of the host's own; 0
    means that it is not.

    `device_spec`: PCI devices that are offered to guests; none are without an entry.

    `images_type`, `lvm_volume_group`, `rbd_pool`, `ceph_conf`, `ceph_user`: where the guests' disks live (BackEnd).

    `ignore_disk_over_commit`: what thin disks may still grow by is not taken off the disk that is available.
    """

    instances_path: Path = DEFAULT_INSTANCES_PATH
    host_ip: str = ""
    cpu_shared_set: frozenset[int] | None = None
    cpu_dedicated_set: frozenset[int] | None = None
    cpu_power_management: bool = False
    reserved_huge_pages: tuple[ReservedPages, ...] = ()
    file_backed_memory_mib: int = 0
    device_spec: tuple[DeviceSpec, ...] = ()
    images_type: ImagesType = ImagesType.FS
    lvm_volume_group: str = ""
    rbd_pool: str = ""
    ceph_conf: Path = DEFAULT_CEPH_CONF
    ceph_user: str = ""
    ignore_disk_over_commit: bool = False

    @property
    def back_end(self) -> BackEnd:
        return BackEnd(
            images_type=self.images_type,
            lvm_volume_group=self.lvm_volume_group,
            rbd_pool=self.rbd_pool,
            ceph_conf=self.ceph_conf,
            ceph_user=self.ceph_user,
        )

    def __post_init__(self) -> None:
        if not self.instances_path.is_absolute():
            raise BadSetting(f"instances path {str(self.instances_path)!r} is not absolute; it must begin with /")
        _ = self.back_end  # raises BadSetting
        if self.host_ip:
            _require_address(self.host_ip)
        both = (self.cpu_shared_set or frozenset()) & (self.cpu_dedicated_set or frozenset())
        if both:
            raise BadSetting(
                f"CPUs {format_cpu_set(both)} are in the shared and in the dedicated CPU set; a CPU is allowed in one"
            )
        check_reserved_pages(self.reserved_huge_pages)
        if self.file_backed_memory_mib and self.reserved_huge_pages:
            raise BadSetting("file-backed memory and reserved huge pages exclude each other; set one of them")


def _require_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise BadSetting(f"host IP {text!r} is neither an IPv4 nor an IPv6 address, such as 192.0.2.7") from None
