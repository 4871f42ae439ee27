"""`[NAME=]URI`: how a user names a connection."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from .errors import BadSetting, UnsupportedScheme

DRIVERS = (
    "bhyve",
    "ch",
    "esx",
    "gsx",
    "hyperv",
    "lxc",
    "openvz",
    "qemu",
    "test",
    "vbox",
    "vmwarefusion",
    "vmwareplayer",
    "vmwarews",
    "vpx",
    "vz",
    "xen",
)
"""libvirt's hypervisor drivers, https://libvirt.org/drivers.html; its storage and network drivers are none."""

TRANSPORTS = ("ext", "libssh", "libssh2", "ssh", "tcp", "tls", "unix")
"""https://libvirt.org/uri.html"""

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAMED = re.compile(r"(?P<name>[^=:/?#]*)=(?P<uri>.*)", re.DOTALL)
"""A URI may contain `=` itself, but only after its scheme's colon."""
_THIS_MACHINE = ("", "localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class ConnectionSpec:
    """One connection of an agent. Without a name it is the agent's first, named after its node."""

    uri: str
    name: str | None = None

    @property
    def driver(self) -> str:
        return urlsplit(self.uri).scheme.partition("+")[0]

    @property
    def is_local(self) -> bool:
        """Whether the hypervisor's files are this machine's files."""
        return urlsplit(self.uri).hostname in (None, *_THIS_MACHINE)

    @property
    def test_file(self) -> Path | None:
        """The host description of a `test:///FILE` connection; None for the built-in one and other drivers."""
        path = urlsplit(self.uri).path
        return Path(path) if self.driver == "test" and path not in ("", "/", "/default") else None


def parse_connection(text: str) -> ConnectionSpec:
    """Raises BadSetting, or UnsupportedScheme, with the part that is wrong and what is allowed."""
    named = _NAMED.fullmatch(text)
    if not named:
        return ConnectionSpec(_checked(text))
    name = named["name"]
    if not _DNS_LABEL.fullmatch(name):
        raise BadSetting(
            f"connection {text!r}: name {name!r} is no DNS label; "
            "allowed are lower-case letters, digits and inner hyphens, at most 63 characters"
        )
    return ConnectionSpec(_checked(named["uri"]), name)


def _checked(uri: str) -> str:
    parts = _split(uri)
    if not parts.scheme:
        raise BadSetting(f"connection {uri!r} is no libvirt URI; examples are qemu:///system and test:///default")
    driver, plus, transport = parts.scheme.partition("+")
    if driver not in DRIVERS:
        raise UnsupportedScheme(f"connection {uri!r}: unknown driver {driver!r}; allowed are {', '.join(DRIVERS)}")
    if plus and transport not in TRANSPORTS:
        raise UnsupportedScheme(
            f"connection {uri!r}: unknown transport {transport!r}; allowed are {', '.join(TRANSPORTS)}"
        )
    return uri


def _split(uri: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in uri):
        raise BadSetting(f"connection {uri!r} contains a blank or a control character; write it as %20 and the like")
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises for one that is no number
    except ValueError as error:
        raise BadSetting(f"connection {uri!r} is no URI: {error}") from None
    return parts
