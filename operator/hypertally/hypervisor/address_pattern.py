"""Which PCI addresses an entry of the allow-list means: one, a glob of parts, or regular expressions."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from .errors import BadSetting
from .pci_address import MOST_BUS, MOST_DOMAIN, MOST_FUNCTION, MOST_SLOT, PciAddress

_PARTS = (("domain", 4, MOST_DOMAIN), ("bus", 2, MOST_BUS), ("slot", 2, MOST_SLOT), ("function", 1, MOST_FUNCTION))
_NAMES = tuple(name for name, _, _ in _PARTS)
_ANY = "*"
_HEX = re.compile(r"[0-9a-fA-F]+")
_MOST_EXPRESSION = 256
"""Characters: enough for every set of buses, and too few for an expression that takes long on four digits."""

Part = str | re.Pattern[str] | None
"""Hexadecimal digits, an expression, or anything."""


@dataclass(frozen=True)
class AddressPattern:
    """`parts` stand for domain, bus, slot and function."""

    parts: tuple[Part, Part, Part, Part] = (None, None, None, None)

    def matches(self, address: PciAddress) -> bool:
        return all(map(_matches, self.parts, address.parts))

    def names(self, address: PciAddress) -> bool:
        """Whether it means this one address and no other."""
        return self._whole == address.parts

    @cached_property
    def _whole(self) -> tuple[str, ...] | None:
        """Nova's rule: expressions without any operator are an address too."""
        texts = [part.pattern if isinstance(part, re.Pattern) else part for part in self.parts]
        return None if None in texts else tuple(str(text).lower() for text in texts)

    @classmethod
    def glob(cls, text: str) -> Self:
        """`[[[domain]:bus]:slot][.function]`, each a hexadecimal number or `*`; what is missing means any.

        Parts are missing from the left, but for the function. Raises BadSetting.
        """
        left, _, function = text.partition(".")
        given = left.split(":")
        if len(given) > len(_NAMES) - 1:
            raise BadSetting(f"address {text!r} has too many parts; allowed is domain:bus:slot.function")
        texts = [*[_ANY] * (len(_NAMES) - 1 - len(given)), *given, function]
        return cls(_parts(_exact(text, number, part.strip()) for number, part in enumerate(texts)))

    @classmethod
    def expressions(cls, texts: Mapping[str, object]) -> Self:
        """Each compared, as Nova does, with the beginning of the part's lower-case digits. Raises BadSetting."""
        unknown = sorted(set(texts) - set(_NAMES))
        if unknown:
            raise BadSetting(f"address has an unknown part {unknown[0]!r}; allowed are {', '.join(_NAMES)}")
        return cls(_parts(_expression(name, texts[name]) if name in texts else None for name in _NAMES))


def _parts(parts: Iterable[Part]) -> tuple[Part, Part, Part, Part]:
    domain, bus, slot, function = parts
    return domain, bus, slot, function


def _matches(part: Part, text: str) -> bool:
    if part is None:
        return True
    return part == text if isinstance(part, str) else part.match(text) is not None


def _exact(address: str, number: int, text: str) -> str | None:
    name, digits, most = _PARTS[number]
    if text in ("", _ANY):
        return None
    if not _HEX.fullmatch(text) or int(text, 16) > most:
        raise BadSetting(
            f"address {address!r}: {name} {text!r} is out of bounds; allowed are hexadecimal 0 to {most:x}, or *"
        )
    return f"{int(text, 16):0{digits}x}"


def _expression(name: str, text: object) -> re.Pattern[str]:
    if not isinstance(text, str) or len(text) > _MOST_EXPRESSION:
        raise BadSetting(
            f"address: {name} {text!r} cannot be used; allowed is a regular expression "
            f"of at most {_MOST_EXPRESSION} characters"
        )
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadSetting(f"address: {name} {text!r} is no regular expression: {error}") from None
