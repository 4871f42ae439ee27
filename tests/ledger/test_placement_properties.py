"""The combined search on small hosts, checked by a search through all sets of cells and all devices."""

from dataclasses import dataclass
from itertools import combinations

from hypothesis import strategies as st
from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell, PciPool
from hypertally.api.placement import HeldCell, Placement, PlacementRequest
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.numa_free import Holding
from hypertally.ledger.placement import Inventory, place
from tests.ledger.numa_oracle import can_be_placed, is_allowed
from tests.ledger.pci_make import with_devices
from tests.ledger.pci_oracle import can_be_given, offers, suits
from tests.ledger.test_numa_properties import Case as CellCase
from tests.ledger.test_numa_properties import cases as cell_cases
from tests.ledger.test_pci_properties import owners, pools, requests
from tests.support.drawn import Drawn


@dataclass(frozen=True)
class Case:
    numa: CellCase
    sockets: tuple[int | None, ...]
    pools: tuple[PciPool, ...]
    owners: dict[str, list[str]]
    request: PlacementRequest
    listed: tuple[HeldCell, ...]
    """What the guest really has of cells."""

    @property
    def cells(self) -> tuple[NumaCell, ...]:
        sockets = (*self.sockets, *([0] * 3))
        return tuple(replace(c, socket=sockets[number]) for number, c in enumerate(self.numa.cells))

    def place(self) -> Placement | Misfit:
        holdings = [
            Holding(f"cells-{number}", stays=(Placement(cells=(each,)),)) for number, each in enumerate(self.numa.held)
        ]
        holdings += [
            Holding(owner, stays=(with_devices(*held),)) for owner, held in self.owners.items() if owner != "g"
        ]
        own = with_devices(*self.owners["g"])
        holdings.append(Holding("g", stays=(own,), listed=replace(own, cells=self.listed)))
        inventory = Inventory(self.cells, self.pools)
        return place(self.request, Amounts(), inventory, holdings, owner="g", ratios=self.numa.ratios)

    def is_possible(self) -> bool:
        guests = self.request.cells
        return any(
            can_be_placed(self.request, guests, some, self.numa.held, self.numa.ratios)
            and can_be_given(self.request.pci_requests, self.pools, self.owners, "g", {c.id for c in some}, self.cells)
            for some in combinations(self.cells, len(guests))
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    numa = draw(cell_cases())
    listed = draw(st.sampled_from([(), *((each,) for each in numa.held)]))
    return Case(
        numa=numa,
        sockets=draw(st.tuples(*[st.sampled_from([0, 1, 0, 1, None])] * 3)),
        pools=draw(pools()),
        owners=draw(owners()),
        request=replace(numa.request, pci_requests=draw(requests())),
        listed=listed,
    )


each_case = Drawn(cases(), examples=500)


@each_case
def test_a_place_is_found_exactly_where_a_search_finds_one_and_is_whole(case: Case) -> None:
    found = case.place()
    assert isinstance(found, Misfit) is not case.is_possible()
    if isinstance(found, Misfit):
        assert all(each.asked > each.free for each in found.shortages)
        return
    assert is_allowed(case.request, case.request.cells, case.cells, case.numa.held, case.numa.ratios, found.cells)
    by_address = {offer.device.address: offer for offer in offers(case.pools)}
    by_name = {each.name: each for each in case.request.pci_requests}
    near = {each.id for each in found.cells}
    assert all(suits(by_name[d.request], by_address[d.address].pool, near, case.cells) for d in found.devices)
    assert len({d.address for d in found.devices}) == sum(r.count for r in case.request.pci_requests)


@each_case
def test_the_same_host_gives_the_same_place_in_whatever_order_it_is_told(case: Case) -> None:
    reverse = Case(
        numa=CellCase(case.numa.cells, case.numa.held[::-1], case.numa.request, case.numa.ratios),
        sockets=case.sockets,
        pools=case.pools[::-1],
        owners=dict(reversed(case.owners.items())),
        request=case.request,
        listed=case.listed,
    )
    assert reverse.place() == case.place()
