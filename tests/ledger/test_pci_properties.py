"""What holds of every fit of PCI devices on small hosts, checked by a search through everything there is."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from hypertally.api.inventory import Distance, NumaCell, PciDevice, PciPool, PciType
from hypertally.api.placement import HeldDevice, NumaPolicy, PciRequest
from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.pci_fit import fit_devices
from hypertally.ledger.pci_free import free_devices
from tests.ledger.pci_make import has, lists, request
from tests.ledger.pci_oracle import can_be_given, is_allowed, is_free, offers
from tests.support.drawn import Drawn, chance

CARDS, FUNCTIONS = 3, 3
PRODUCTS = ("0001", "0002")
TAGS: tuple[dict[str, str], ...] = ({}, {"net": "A"}, {"net": "b"}, {"remote_managed": "true"})
GUESTS = ("a", "b", "g")
CELLS = (0, 1, 2)


def pf_address(card: int) -> str:
    return f"0000:0{card}:00.0"


def vf_address(card: int, function: int) -> str:
    return f"0000:0{card}:10.{function}"


EVERY = [
    *(pf_address(card) for card in range(CARDS)),
    *(vf_address(card, function) for card in range(CARDS) for function in range(FUNCTIONS)),
    "0000:09:00.0",
    "0000:09:00.1",
]


@dataclass(frozen=True)
class Case:
    pools: tuple[PciPool, ...]
    owners: dict[str, list[str]]
    requests: tuple[PciRequest, ...]
    near: frozenset[int] | None
    cells: tuple[NumaCell, ...]

    def fit(self, guest: str = "g") -> tuple[HeldDevice, ...] | Misfit:
        holdings = [has(owner, *addresses) for owner, addresses in self.owners.items()]
        held = free_devices(self.pools, holdings)
        return fit_devices(self.requests, self.pools, held, owner=guest, near=self.near, cells=self.cells)


@st.composite
def pools(draw: st.DrawFn) -> tuple[PciPool, ...]:
    """Cards with virtual functions, some of which the allow-list does not offer, and whole devices."""
    kinds: dict[tuple[object, ...], tuple[PciPool, list[PciDevice]]] = {}

    def add(device: PciDevice, type_: PciType, cell: int | None) -> None:
        product, tags = draw(st.sampled_from(PRODUCTS)), draw(st.sampled_from(TAGS))
        made = PciPool(vendor_id="8086", product_id=product, type=type_, numa_cell=cell, tags=dict(tags))
        kinds.setdefault((product, type_, cell, *tags.items()), (made, []))[1].append(device)

    for card in range(draw(st.integers(0, CARDS))):
        cell = draw(st.none() | st.sampled_from(CELLS))
        if draw(st.booleans()):
            add(PciDevice(address=pf_address(card)), PciType.PF, cell)
        for function in range(draw(st.integers(0, FUNCTIONS))):
            missing = draw(st.sampled_from([False] * 7 + [True]))
            vf = PciDevice(address=vf_address(card, function), parent_address=pf_address(card), missing=missing)
            add(vf, draw(st.sampled_from([PciType.VF, PciType.VF, PciType.VDPA])), cell)
    for address in draw(st.lists(st.sampled_from(EVERY[-2:]), unique=True)):
        add(PciDevice(address=address), PciType.PCI, draw(st.none() | st.sampled_from(CELLS)))
    return tuple(
        PciPool(
            vendor_id=p.vendor_id,
            product_id=p.product_id,
            type=p.type,
            numa_cell=p.numa_cell,
            tags=p.tags,
            devices=tuple(devices),
        )
        for p, devices in kinds.values()
    )


@st.composite
def requests(draw: st.DrawFn) -> tuple[PciRequest, ...]:
    return tuple(
        request(
            f"r{number}",
            draw(st.integers(1, 2)),
            product=draw(st.sampled_from(["", "", *PRODUCTS])),
            type_=draw(st.sampled_from([None, None, PciType.PF, PciType.PF, PciType.VF, PciType.VDPA])),
            tags=draw(st.sampled_from([{}, {}, {}, {"net": "a"}, {"remote_managed": "true"}])),
            policy=draw(st.sampled_from(NumaPolicy)),
        )
        for number in range(draw(st.integers(1, 3)))
    )


@st.composite
def host_cells(draw: st.DrawFn) -> tuple[NumaCell, ...]:
    """Some with an unknown socket."""
    return tuple(
        NumaCell(
            id=id_,
            memory_mib=1,
            socket=draw(st.sampled_from([0, 1, 1, 0, 1, None])),
            distances=tuple(Distance(cell=other, value=10 + abs(id_ - other)) for other in CELLS),
        )
        for id_ in CELLS
    )


@st.composite
def owners(draw: st.DrawFn, *, conflicting: bool = True) -> dict[str, list[str]]:
    some = st.lists(st.sampled_from(EVERY), max_size=2, unique=True)
    return {guest: draw(some) for guest in GUESTS} if conflicting else {}


near = st.none() | st.frozensets(st.sampled_from(CELLS), min_size=1, max_size=2)
cases = st.builds(Case, pools=pools(), owners=owners(), requests=requests(), near=near, cells=host_cells())
each_case = Drawn(cases, examples=500)


@each_case
def test_devices_are_found_exactly_where_a_search_finds_some(case: Case) -> None:
    possible = can_be_given(case.requests, case.pools, case.owners, "g", case.near, case.cells)
    assert isinstance(case.fit(), Misfit) is not possible


@each_case
def test_what_is_given_was_asked_for_and_is_nobody_elses(case: Case) -> None:
    found = case.fit()
    if isinstance(found, Misfit):
        return
    by_address = {offer.device.address: offer for offer in offers(case.pools)}
    by_name = {each.name: each for each in case.requests}
    chosen = [(by_name[each.request], by_address[each.address]) for each in found]
    assert is_allowed(chosen, case.near, case.cells)
    assert all(is_free(offer, offers(case.pools), case.owners, "g") for _, offer in chosen)
    assert [each.request for each in found] == [r.name for r in case.requests for _ in range(r.count)]


@each_case
def test_the_order_of_pools_devices_and_owners_does_not_matter(case: Case) -> None:
    random = chance(case)

    def mixed(pool: PciPool) -> PciPool:
        return PciPool(
            vendor_id=pool.vendor_id,
            product_id=pool.product_id,
            type=pool.type,
            numa_cell=pool.numa_cell,
            tags=dict(reversed(pool.tags.items())),
            devices=tuple(random.sample(pool.devices, len(pool.devices))),
        )

    shuffled = [mixed(pool) for pool in random.sample(case.pools, len(case.pools))]
    owners = dict(random.sample(list(case.owners.items()), len(case.owners)))
    again = Case(tuple(shuffled), owners, case.requests, case.near, tuple(random.sample(case.cells, len(case.cells))))
    assert again.fit() == case.fit()


@settings(max_examples=200, deadline=None)
@given(pools(), host_cells(), st.lists(st.tuples(requests(), near), min_size=2, max_size=5))
def test_guests_one_after_another_never_share_a_device_nor_a_card_half_by_half(
    pools: tuple[PciPool, ...], cells: tuple[NumaCell, ...], many: list[tuple[tuple[PciRequest, ...], frozenset[int]]]
) -> None:
    held = dict[str, list[str]]()
    for number, (asked, near) in enumerate(many):
        found = Case(pools, held, asked, near, cells).fit(f"guest-{number}")
        if not isinstance(found, Misfit):
            held[f"guest-{number}"] = [each.address for each in found]
    holdings = [has(owner, *addresses) for owner, addresses in held.items()]
    assert free_devices(pools, holdings).conflicts == ()


@each_case
def test_what_is_free_is_what_a_search_says_whether_claimed_or_listed(case: Case) -> None:
    every = offers(case.pools)
    expected = [sum(is_free(offer, every, case.owners) for offer in every if offer.pool is pool) for pool in case.pools]
    for how in (has, lists):
        rest = free_devices(case.pools, [how(owner, *addresses) for owner, addresses in case.owners.items()])
        assert [each.free for each in rest.pools] == expected


@each_case
def test_a_refusal_is_one_clause_that_names_requests_and_asks_for_more_than_is_free(case: Case) -> None:
    found = case.fit()
    if isinstance(found, Misfit):
        assert all(each.asked > each.free >= 0 for each in found.shortages)
        assert any(each.name in str(found) for each in case.requests)
        assert len(str(found)) < 600
