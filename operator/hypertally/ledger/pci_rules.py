"""Which pools a request may take devices of, and how near they are: Nova's filters in Nova's order.

Differs from Nova: physical functions and the like are left out before it is counted whether near devices suffice, so
that a device that cannot be given does not keep the guest from others.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hypertally.api.inventory import NumaCell, PciPool, PciType
from hypertally.api.placement import NumaPolicy, PciRequest

Rank = tuple[int, int]
"""How far a device is: the smallest first. Which policy it suffices for, then the distance of the cells."""

NEAR: Rank = (0, 0)
_UNKNOWN: Rank = (1, 0)
_TAG_REMOTE = "remote_managed"
_YES = ("1", "t", "true", "on", "y", "yes")
"""What Nova reads as true in a tag."""


def matches(request: PciRequest, pool: PciPool) -> bool:
    """By what it names; small and capital letters are the same."""
    named = ((request.vendor_id, pool.vendor_id), (request.product_id, pool.product_id), (request.type, pool.type))
    return all(not asked or asked.lower() == there.lower() for asked, there in named) and all(
        pool.tags.get(key, "").lower() == value.lower() for key, value in request.tags.items()
    )


def only_on_demand(request: PciRequest, pool: PciPool) -> str:
    """Of what kind the pool is, if such devices have to be asked for and were not; else nothing."""
    if pool.type in (PciType.PF, PciType.VDPA) and request.type != pool.type:
        return f"of type {pool.type}, to be asked for by type"
    if _is_remote(pool.tags) and not _is_remote(request.tags):
        return "managed remotely, to be asked for by tag"
    return ""


def _is_remote(tags: Mapping[str, str]) -> bool:
    return tags.get(_TAG_REMOTE, "").lower() in _YES


@dataclass(frozen=True)
class Nearness:
    """How near devices are to a guest. `ids`: the host cells that it is on; None for one that floats: to it all is
    near, as in Nova."""

    ids: frozenset[int] | None
    same_socket: frozenset[int] = frozenset()
    distances: Mapping[int, int] | None = None
    """Of each cell from the guest's nearest, where the host tells."""

    @classmethod
    def to(cls, ids: Collection[int] | None, cells: Sequence[NumaCell]) -> "Nearness":
        if ids is None:
            return cls(None)
        mine = [cell for cell in cells if cell.id in ids]
        distances: dict[int, int] = {}
        for each in (distance for cell in mine for distance in cell.distances):
            distances[each.cell] = min(each.value, distances.get(each.cell, each.value))
        return cls(frozenset(ids), frozenset(_same_socket(mine, cells)), distances)

    def rank(self, policy: NumaPolicy, cell: int | None) -> Rank | None:
        """Of a device on `cell`; None if the policy refuses it."""
        if self.ids is None or cell in self.ids:
            return NEAR
        match policy:
            case NumaPolicy.REQUIRED:
                return None
            case NumaPolicy.SOCKET:
                return (1, self._distance(cell)) if cell in self.same_socket else None
            case NumaPolicy.LEGACY:
                return _UNKNOWN if cell is None else None
            case NumaPolicy.PREFERRED:
                return _UNKNOWN if cell is None else (2, self._distance(cell))

    def _distance(self, cell: int | None) -> int:
        known = self.distances or {}
        return known.get(cell, max(known.values(), default=0) + 1) if cell is not None else 0


def _same_socket(mine: Iterable[NumaCell], cells: Sequence[NumaCell]) -> Iterable[int]:
    """None unless the socket of every cell of the host is known, as in Nova."""
    sockets = {cell.socket for cell in mine}
    known = all(cell.socket is not None for cell in cells)
    return [cell.id for cell in cells if known and cell.socket in sockets]
