"""Huge pages that are kept from guests: `node:0,size:2048,count:64`, as Nova's reserved_huge_pages writes it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import BadSetting

_FORM = re.compile(
    r"\s*node\s*:\s*(?P<cell>[0-9]{1,5})\s*,\s*size\s*:\s*(?P<size>[0-9]{1,10})\s*(?P<unit>|[kKMGT]i?B?)\s*,"
    r"\s*count\s*:\s*(?P<count>[0-9]{1,12})\s*"
)
_KIB = {"": 1, "K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}
"""Powers of 1024 whether written GB or GiB: there are no other page sizes."""


@dataclass(frozen=True, order=True)
class ReservedPages:
    """Of one size in one NUMA cell."""

    cell: int
    size_kib: int
    count: int


def parse_reserved_pages(text: str) -> ReservedPages:
    """Raises BadSetting."""
    found = _FORM.fullmatch(text)
    if not found or not int(found["size"]):
        raise BadSetting(
            f"reserved huge pages {text!r} cannot be used; allowed is node:CELL,size:SIZE,count:COUNT with a size in "
            "KiB or such as 2M or 1G: node:0,size:2048,count:64"
        )
    size = int(found["size"]) * _KIB[found["unit"][:1].upper()]
    return ReservedPages(int(found["cell"]), size, int(found["count"]))


def check_reserved_pages(reserved: Iterable[ReservedPages]) -> None:
    """Raises BadSetting if two of them speak of the same pages."""
    seen = set()
    for pages in reserved:
        if (pages.cell, pages.size_kib) in seen:
            raise BadSetting(
                f"reserved huge pages of {pages.size_kib} KiB in node {pages.cell} are given twice; "
                "allowed is one count for each node and size"
            )
        seen.add((pages.cell, pages.size_kib))
