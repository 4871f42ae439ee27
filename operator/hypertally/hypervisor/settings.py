"""What an audit needs to be told."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from .errors import BadSetting

DEFAULT_INSTANCES_PATH = Path("/var/lib/libvirt/images")
"""libvirt's own default folder of disk images."""


@dataclass(frozen=True, kw_only=True)
class AuditSettings:
    """`instances_path`: a folder on the file system that holds the guests' disks.

    `host_ip`: the address at which other hosts reach this one; empty means the one that the default route leaves from.
    """

    instances_path: Path = DEFAULT_INSTANCES_PATH
    host_ip: str = ""

    def __post_init__(self) -> None:
        if not self.instances_path.is_absolute():
            raise BadSetting(f"instances path {str(self.instances_path)!r} is not absolute; it must begin with /")
        if self.host_ip:
            _require_address(self.host_ip)


def _require_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise BadSetting(f"host IP {text!r} is neither an IPv4 nor an IPv6 address, such as 192.0.2.7") from None
