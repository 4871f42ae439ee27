"""What Ceph's configuration file says of which cluster it is."""

import re
from dataclasses import dataclass
from pathlib import Path

_SETTING = re.compile(r"\s*(?P<key>[A-Za-z][A-Za-z _-]*?)\s*=\s*(?P<value>.*?)\s*")
_SECTION = re.compile(r"\s*\[(?P<name>[^\]]*)\]\s*")
_MOST_BYTES = 1024 * 1024
_ADDRESS = re.compile(r"(?:v[12]:)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]+)?(?:/[0-9]+)?")


@dataclass(frozen=True)
class CephConf:
    """Of one cluster: its fsid in lower case, and the hosts of its monitors, as they are written."""

    fsid: str = ""
    monitors: frozenset[str] = frozenset()


def read_ceph_conf(text: str) -> CephConf:
    """Its global section. Keys may be written with blanks, hyphens or underscores; what is not understood is left out.

    Not configparser: Ceph takes settings before any section, comments behind values, and keys that come twice.
    """
    settings: dict[str, str] = {}
    section = "global"
    for line in text.splitlines():
        plain = re.split(r"[#;]", line, maxsplit=1)[0]
        if heading := _SECTION.fullmatch(plain):
            section = heading["name"].strip()
        elif section == "global" and (found := _SETTING.fullmatch(plain)):
            settings[re.sub(r"[ _-]+", "_", found["key"])] = found["value"].strip("\"'")
    return CephConf(settings.get("fsid", "").lower(), _monitors(settings.get("mon_host", "")))


def look_at_ceph_conf(path: Path) -> CephConf:
    """Empty where there is none that can be read: most hosts have no Ceph."""
    try:
        with path.open(errors="replace") as file:
            return read_ceph_conf(file.read(_MOST_BYTES))
    except OSError:
        return CephConf()


def host_of(address: str) -> str:
    """`[v2:10.0.0.1:3300/0` and `10.0.0.1:6789` are 10.0.0.1; empty for what is no address."""
    if address.count(":") > 1 and not address.startswith(("[", "v1:", "v2:")):
        return address.lower()  # IPv6 without brackets, so without a port
    found = _ADDRESS.fullmatch(address)
    return found["host"].strip("[]").lower() if found else ""


def _monitors(text: str) -> frozenset[str]:
    """Separated by commas, blanks or semicolons; addresses of one monitor may be grouped in brackets."""
    parts = re.split(r"[,;\s]+", re.sub(r"\[(?=v[12]:)|(?<=/[0-9])\]", " ", text))
    return frozenset(filter(None, map(host_of, parts)))
