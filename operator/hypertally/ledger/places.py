"""Which cells and devices of one host its guests hold, while its next ledger is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from hypertally.api import bounds
from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, Guest, Report, Role
from hypertally.api.cuts import Allowance, Cuts
from hypertally.api.inventory import PciType
from hypertally.api.placement import CellFree, MdevFree, PlacementRequest, PoolFree

from .holdings import union
from .mdev_free import free_mdevs
from .numa_fit import Misfit
from .numa_free import NOTHING, Holding, free_cells
from .numa_guest import held_by_guest
from .pci_free import free_devices
from .placement import Inventory, needs_placement, place
from .shortage import Shortage
from .transitions import STAYS, with_placement

Held = Mapping[Role, Claim]


@dataclass(frozen=True)
class Unseen:
    """The report could not list everything: what it left out may hold any cell or device."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"the report left out {', '.join(self.parts)}, which may hold any cell or device of the host"


Refusal = Shortage | Misfit | Unseen


@dataclass(frozen=True)
class Free:
    """As the ledger shows it: in the order of the report, within the schema's bounds."""

    cells: tuple[CellFree, ...]
    devices: tuple[PoolFree, ...]
    mdevs: tuple[MdevFree, ...]


class Places:
    """Everything that is held, by guest. `ratios` in milli."""

    def __init__(self, report: Report, ratios: Amounts) -> None:
        self.inventory = Inventory.of(report)
        self.ratios = ratios
        self._unseen = unseen(report)
        self._guests = {guest.uuid: guest for guest in report.guests if _has_places(guest)}
        self._holdings: dict[str, Holding] = {}
        for uuid in self._guests:
            self.note(uuid, {})

    def note(self, uuid: str, held: Held) -> None:
        """These are the claims of the guest now."""
        stays = tuple(c.placement for r, c in held.items() if r in STAYS and c.placement != NOTHING)
        leaves = tuple(c.placement for r, c in held.items() if r not in STAYS and c.placement != NOTHING)
        guest = self._guests.get(uuid)
        if not (stays or leaves or guest):
            self._holdings.pop(uuid, None)
            return
        claimed = held[Role.RUNNING].placement if Role.RUNNING in held else NOTHING
        inventory = self.inventory
        listed = held_by_guest(guest, inventory.cells, claimed, inventory.mdev_types) if guest else NOTHING
        self._holdings[uuid] = Holding(uuid, stays=stays, leaves=leaves, listed=listed)

    @property
    def holdings(self) -> tuple[Holding, ...]:
        return tuple(self._holdings.values())

    def choose(self, claim: Claim, request: PlacementRequest | None, size: Amounts) -> Claim | Refusal:
        """`claim` with all that it asks for beyond amounts, all or nothing. `size`: of the guest that is placed."""
        if request is None or not needs_placement(request):
            return claim
        if self._unseen:
            return Unseen(self._unseen)
        found = place(request, size, self.inventory, self.holdings, owner=claim.uuid, ratios=self.ratios)
        return found if isinstance(found, Misfit) else with_placement(claim, found)

    def free(self) -> Free:
        inventory, holdings = self.inventory, self.holdings
        mdevs = free_mdevs(inventory.mdev_types, holdings).free
        return Free(
            cells=_fit(free_cells(inventory.cells, holdings, ratios=self.ratios).cells),
            devices=tuple(p for p in free_devices(inventory.pools, holdings).pools if p.type != PciType.UNKNOWN),
            mdevs=tuple(
                MdevFree(parent_address=slot[0], type=slot[1], free=min(free, bounds.COUNT_MAX))
                for slot, free in mdevs.items()
            ),
        )


def by_guest(claims: Iterable[Claim]) -> dict[str, dict[Role, Claim]]:
    result: dict[str, dict[Role, Claim]] = {}
    for claim in claims:
        result.setdefault(claim.uuid, {})[claim.role] = claim
    return result


def unseen(report: Report) -> tuple[str, ...]:
    """Parts of the report that were cut and may hold cells or devices."""
    parts = [each.part for each in report.omitted if each.part.startswith("guests[]")]
    return (*(["guests"] if report.guests_omitted else []), *parts)


def too_much(claims: Iterable[Claim]) -> Shortage | None:
    """What the schema's bounds of all claims together leave out; the API server would refuse the ledger as a whole."""
    claims = tuple(claims)
    cpus = [len(cell.cpus) for claim in claims for cell in claim.cells]
    if max(cpus, default=0) > bounds.CPU_SET_MAX:
        return Shortage("characters of a CPU set in a claim", max(cpus), bounds.CPU_SET_MAX)
    for name, number, most in (
        ("parts of cells in a ledger", sum(len(c.cells) for c in claims), bounds.CLAIM_CELLS_TOGETHER),
        # With a separator each: two sets that come to leave as one need it.
        ("characters of CPU sets in a ledger", sum(cpu + 1 for cpu in cpus if cpu), bounds.CLAIM_CPUS_TOGETHER),
        ("PCI devices in a ledger", sum(len(c.devices) for c in claims), bounds.CLAIM_DEVICES_TOGETHER),
        ("mediated devices in a ledger", sum(len(c.mdevs) for c in claims), bounds.CLAIM_MDEVS_TOGETHER),
    ):
        if number > most:
            return Shortage(name, number, most)
    return None


def too_much_of_one(claims: Iterable[Claim]) -> Shortage | None:
    """What the schema's bounds of one claim leave out: all that a guest holds may come to leave together, as one."""
    every = union(claim.placement for claim in claims)
    for name, number, most in (
        ("parts of cells of one guest", len(every.cells), bounds.CLAIM_CELLS_MAX),
        (
            "characters of a CPU set in a claim",
            max((len(cell.cpus) for cell in every.cells), default=0),
            bounds.CPU_SET_MAX,
        ),
        ("PCI devices of one guest", len(every.devices), bounds.CLAIM_DEVICES_MAX),
        ("kinds of mediated devices of one guest", len(every.mdevs), bounds.CLAIM_MDEVS_MAX),
    ):
        if number > most:
            return Shortage(name, number, most)
    return None


def _has_places(guest: Guest) -> bool:
    return bool(guest.cells or guest.pinned_cpus or guest.page_size_kib or guest.pci_addresses or guest.mdev_uuids)


def _fit(cells: Iterable[CellFree]) -> tuple[CellFree, ...]:
    """A CPU set that is too long ends early: less is shown than is free, never more."""
    cpus = Allowance(Cuts(), "cpus", bounds.CELL_CPUS_TOGETHER)
    return tuple(replace(cell, cpus=cpus.take_cpus(cell.cpus)) for cell in cells)
