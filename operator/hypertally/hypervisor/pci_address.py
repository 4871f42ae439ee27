"""Where a PCI device sits: `0000:0a:00.1`, as Linux, libvirt's documents and Nova's device_spec write it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

MOST_DOMAIN = 0xFFFF
"""Linux has wider domains (Intel VMD: 10000:…), but neither libvirt's domain XML nor Nova can name them."""
MOST_BUS = 0xFF
MOST_SLOT = 0x1F
MOST_FUNCTION = 0x7

_FIELDS = (("domain", MOST_DOMAIN), ("bus", MOST_BUS), ("slot", MOST_SLOT), ("function", MOST_FUNCTION))
_TEXT = re.compile(r"([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-9a-f])")
_NODE_DEVICE = re.compile(r"pci_([0-9a-f]{4})_([0-9a-f]{2})_([0-9a-f]{2})_([0-9a-f])")
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]{1,8})")
_DECIMAL = re.compile(r"[0-9]{1,10}")


class NoPciAddress(ValueError):
    """What was read is not the address of a PCI device, or of one that cannot be named; the message says why."""


@dataclass(frozen=True, order=True)
class PciAddress:
    """Within the bounds above; ordered as `lspci` lists devices."""

    domain: int
    bus: int
    slot: int
    function: int

    def __post_init__(self) -> None:
        for name, most in _FIELDS:
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise NoPciAddress(f"PCI {name} {value:x} is out of bounds; allowed are 0 to {most:x}")

    def __str__(self) -> str:
        domain, bus, slot, function = self.parts
        return f"{domain}:{bus}:{slot}.{function}"

    @cached_property
    def parts(self) -> tuple[str, str, str, str]:
        """The digits between the separators; kept, because each audit compares those of every device."""
        return f"{self.domain:04x}", f"{self.bus:02x}", f"{self.slot:02x}", f"{self.function:x}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The full form, in either case. Raises NoPciAddress."""
        return cls._matched(_TEXT, text.strip().lower(), "is no PCI address such as 0000:0a:00.1")

    @classmethod
    def of_node_device(cls, name: str) -> Self:
        """From libvirt's name of a node device: `pci_0000_0a_00_1`. Raises NoPciAddress."""
        return cls._matched(_NODE_DEVICE, name, "is no node device of a PCI address such as pci_0000_0a_00_1")

    @classmethod
    def of_attributes(cls, attributes: Mapping[str, str]) -> Self:
        """From the attributes of an `<address>` element, which are hexadecimal; an absent domain is 0.

        Raises NoPciAddress.
        """
        return cls(*(_number(_HEX, 16, name, attributes.get(name, "")) for name, _ in _FIELDS))

    @classmethod
    def of_numbers(cls, texts: Mapping[str, str]) -> Self:
        """From the elements of a node device, which are decimal, unlike those attributes. Raises NoPciAddress."""
        return cls(*(_number(_DECIMAL, 10, name, texts.get(name, "")) for name, _ in _FIELDS))

    @classmethod
    def _matched(cls, form: re.Pattern[str], text: str, complaint: str) -> Self:
        found = form.fullmatch(text)
        if not found:
            raise NoPciAddress(f"{text[:64]!r} {complaint}")
        return cls(*(int(part, 16) for part in found.groups()))


def _number(form: re.Pattern[str], base: int, name: str, text: str) -> int:
    if not text and name == "domain":
        return 0
    found = form.fullmatch(text.strip())
    if not found:
        raise NoPciAddress(f"PCI {name} {text[:64]!r} is no number")
    return int(found[0], base)
