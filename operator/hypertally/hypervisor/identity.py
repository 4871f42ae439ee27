"""Which host this is: its UUID and its name, as libvirt tells them."""

import re
import uuid
from dataclasses import dataclass

from .errors import IdentityUnknown
from .facts import Snapshot, Unread

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HOSTNAME = re.compile(r"[!-~]{1,253}")
"""What the schema admits; whether it is also a DNS name matters only where an object is named after it."""

_TEST_HOSTS = uuid.UUID("5b1e6c6a-6f0e-5a0e-9d52-3c1c3e0f7f51")
"""Namespace of the UUIDs that are made for hosts of libvirt's test driver."""


@dataclass(frozen=True)
class Identity:
    """`host_uuid` in lower case, as libvirt has it from the firmware or from its `host_uuid` setting."""

    host_uuid: str
    hostname: str


def identity(snapshot: Snapshot) -> Identity:
    """Raises IdentityUnknown: without it no report can be told from another host's."""
    hostname = _hostname(snapshot)
    return Identity(_host_uuid(snapshot, hostname), hostname)


def _hostname(snapshot: Snapshot) -> str:
    if isinstance(snapshot.hostname, Unread):
        raise IdentityUnknown(f"{snapshot.uri}: no host name ({snapshot.hostname.reason}); see libvirtd's log")
    if not _HOSTNAME.fullmatch(snapshot.hostname):
        raise IdentityUnknown(
            f"{snapshot.uri}: host name {snapshot.hostname!r} cannot be used; "
            "set one of printable ASCII characters without blanks, at most 253"
        )
    return snapshot.hostname


def _host_uuid(snapshot: Snapshot, hostname: str) -> str:
    if isinstance(snapshot.capabilities, Unread):
        raise IdentityUnknown(f"{snapshot.uri}: no capabilities ({snapshot.capabilities.reason}); see libvirtd's log")
    told = snapshot.capabilities.host_uuid.lower()
    if _UUID.fullmatch(told):
        return told
    if not told and snapshot.driver == "TEST":
        # The test driver's capabilities have no <uuid>. The same URI on the same machine is the same host again.
        return str(uuid.uuid5(_TEST_HOSTS, f"{snapshot.uri} {hostname}"))
    raise IdentityUnknown(f"{snapshot.uri}: host UUID {told!r} is none; set host_uuid in libvirtd.conf and restart it")
