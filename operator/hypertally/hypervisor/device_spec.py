"""The allow-list of PCI devices, in the words and with the meaning of Nova's `[pci] device_spec`.

https://docs.openstack.org/nova/latest/configuration/config.html#pci.device_spec. Where Nova takes whatever it is given
this refuses: a key that is misspelt would become a tag, and the entry would match every device of the host.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from hypertally.api.bounds import TAG_VALUE_MAX, TAGS_MAX
from hypertally.api.forms import TAG_KEY, TAG_VALUE, has_form

from .address_pattern import AddressPattern
from .errors import BadSetting
from .node_devices import PciFunction

MOST_TAGS = TAGS_MAX - 1
"""remote_managed comes to those that a device of a PF or VF has."""

_CRITERIA = ("vendor_id", "product_id", "address", "devname")
_SWITCHES = ("live_migratable", "managed", "one_time_use", "remote_managed", "trusted")
_PLACEMENT = ("resource_class", "traits")
"""Nova hands these to Placement and leaves them out of its pools; here they are read and mean nothing."""
_KNOWN = (*_CRITERIA, *_SWITCHES, *_PLACEMENT, "physical_network")

_ID = re.compile(r"(?:0x)?([0-9a-f]{1,4})", re.IGNORECASE)
_DEVNAME = re.compile(r"[^\s/:]{1,15}")
_BOOLEANS = dict.fromkeys(("1", "t", "true", "on", "y", "yes"), "true")
_BOOLEANS |= dict.fromkeys(("0", "f", "false", "off", "n", "no"), "false")
_ANY = "*"
_SHOWN = 80


@dataclass(frozen=True)
class DeviceSpec:
    """One entry. A device is offered if any entry matches it; the first that does gives it its tags.

    `vendor_id` and `product_id` are four lower-case hexadecimal digits, or empty for any.
    """

    vendor_id: str = ""
    product_id: str = ""
    address: AddressPattern = field(default_factory=AddressPattern)
    devname: str = ""
    """A network interface of the host: its device, and the virtual functions of that."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def remote_managed(self) -> bool:
        return self.tags.get("remote_managed") == "true"

    def matches(self, device: PciFunction, interfaces: Mapping[str, str], serial: str = "") -> bool:
        """`interfaces`: the address of each network interface's device; `serial`: of the device or its PF, from VPD.

        Nova's rule for devices that another host manages (a DPU): it must be able to tell which card is meant, and
        whoever holds a PF can do without the DPU, so these are never offered.
        """
        if self.vendor_id not in ("", device.vendor_id) or self.product_id not in ("", device.product_id):
            return False
        if self.remote_managed and (not serial or device.has_virtual_functions):
            return False
        return self._is_at(device, interfaces)

    def _is_at(self, device: PciFunction, interfaces: Mapping[str, str]) -> bool:
        physical = device.physical_function
        if self.devname:
            return interfaces.get(self.devname) in (str(device.address), str(physical))
        return self.address.matches(device.address) or (physical is not None and self.address.names(physical))


def parse_device_spec(text: str) -> DeviceSpec:
    """From JSON. Raises BadSetting with the entry, field, value and what is allowed."""
    return device_spec(_from_json(text))


def split_device_specs(text: str) -> list[str]:
    """One JSON text for each entry where one text holds all: a list of them, or one alone, as Nova's setting."""
    if not text.strip():
        return []
    try:
        document = _from_json(text)
    except BadSetting:
        return [text]  # to be refused by who reads it
    return [json.dumps(entry) for entry in document] if isinstance(document, list) else [text]


def _from_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadSetting(f"device spec {_short(text)} is no JSON: {error}") from None


def device_spec(entry: object) -> DeviceSpec:
    """From what JSON or YAML made of one entry. Raises BadSetting."""
    if not isinstance(entry, Mapping) or not all(isinstance(key, str) for key in entry):
        raise BadSetting(f'device spec {_short(entry)} is no object; allowed is such as {{"vendor_id": "8086"}}')
    try:
        return _device_spec(dict(entry))
    except BadSetting as error:
        raise BadSetting(f"device spec {_short(entry)}: {error}") from None


def _device_spec(entry: dict[str, Any]) -> DeviceSpec:
    vendor, product = (_id(name, entry.pop(name, _ANY)) for name in ("vendor_id", "product_id"))
    address, devname = entry.pop("address", None), entry.pop("devname", None)
    if address and devname:
        raise BadSetting("address and devname are both given; allowed is one of the two")
    tags = {name: _tag(name, value) for name, value in sorted(entry.items())}
    if len(tags) > MOST_TAGS:
        raise BadSetting(f"{len(tags)} tags are too many; allowed are {MOST_TAGS}")
    return DeviceSpec(
        vendor_id=vendor,
        product_id=product,
        address=_address(address or ""),
        devname="" if devname is None else _devname(devname),
        tags={name: value for name, value in tags.items() if name not in _PLACEMENT},
    )


def _id(name: str, value: object) -> str:
    if value == _ANY:
        return ""
    found = _ID.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise BadSetting(f"{name} {value!r} is none; allowed are texts of hexadecimal 0 to ffff, or *")
    return found[1].lower().zfill(4)


def _address(value: object) -> AddressPattern:
    if isinstance(value, str):
        return AddressPattern.glob(value)
    if isinstance(value, Mapping):
        return AddressPattern.expressions(value)
    raise BadSetting(f"address {value!r} is none; allowed is a glob such as *:0a:00.*, or an object of expressions")


def _devname(value: object) -> str:
    if not isinstance(value, str) or not _DEVNAME.fullmatch(value):
        raise BadSetting(f"devname {value!r} is none; allowed is the name of a network interface, such as eth3")
    return value


def _tag(name: str, value: object) -> str:
    _refuse_misspelt(name)
    if name in _SWITCHES:
        return _switch(name, value)
    if value is None and name == "physical_network":
        return ""  # Nova's way to say: for tunnelled networks
    if name == "traits" and isinstance(value, list):
        return ""
    if not isinstance(value, str) or not has_form(TAG_VALUE, value, TAG_VALUE_MAX):
        raise BadSetting(
            f"{name} {_short(value)} cannot be used; allowed is text of at most {TAG_VALUE_MAX} letters, digits, "
            "inner blanks and -_.:/,+=@*"
        )
    return value


def _refuse_misspelt(name: str) -> None:
    meant = [] if name in _KNOWN else get_close_matches(name.lower().replace("-", "_"), _KNOWN, n=1, cutoff=0.8)
    if meant:
        raise BadSetting(f"{name!r} is unknown; {meant[0]} may be meant")
    if not TAG_KEY.fullmatch(name):
        raise BadSetting(f"{name!r} is no name of a tag; allowed are letters, digits and _.-, at most 64 characters")


def _switch(name: str, value: object) -> str:
    """Nova's words for true and false, as one of the two."""
    found = _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, str | bool) else None
    if found is None:
        raise BadSetting(f"{name} {value!r} is neither true nor false; allowed are {', '.join(_BOOLEANS)}")
    return found


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON readers take the last of two; the first would be ignored in silence."""
    whole = dict(pairs)
    if len(whole) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadSetting(f"device spec {_short(whole)}: {twice} is given twice; allowed is once")
    return whole


def _short(entry: object) -> str:
    text = repr(entry) if isinstance(entry, str) else json.dumps(entry, default=str, skipkeys=True)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
