"""What holds of every fit on small hosts, checked by a search through everything there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.amounts import Amounts
from hypertally.api.inventory import NumaCell
from hypertally.api.placement import CpuPolicy, GuestCell, HeldCell, PageSize, PlacementRequest, ThreadPolicy
from hypertally.ledger import cpu_set
from hypertally.ledger.numa_fit import Misfit, fit, fits
from hypertally.ledger.numa_free import free_cells
from hypertally.ledger.numa_match import assignments, crowded
from tests.ledger.numa_make import cell, holds
from tests.ledger.numa_oracle import can_be_placed, cpu_numbers, is_allowed
from tests.support.drawn import Drawn, chance

SIZES = (2048, 4096)
"""KiB of huge pages: small ones, so that few MiB are many pages."""

CPUS_A_CELL = 4


@dataclass(frozen=True)
class Case:
    cells: tuple[NumaCell, ...]
    held: tuple[HeldCell, ...]
    request: PlacementRequest
    ratios: Amounts

    @property
    def guests(self) -> tuple[GuestCell, ...]:
        return self.request.cells

    def fit(self, extra: Sequence[HeldCell] = ()) -> tuple[HeldCell, ...] | Misfit:
        owners = [holds(str(number), each) for number, each in enumerate((*self.held, *extra))]
        free = free_cells(self.cells, owners, ratios=self.ratios).cells
        return fit(self.request, Amounts(), self.cells, free, ratios=self.ratios)


@st.composite
def host_cells(draw: st.DrawFn, id_: int) -> NumaCell:
    first = id_ * CPUS_A_CELL
    cpus = list(range(first, first + CPUS_A_CELL))
    split = draw(st.integers(0, CPUS_A_CELL))
    shared, dedicated = (cpus, cpus) if draw(st.booleans()) and split == 0 else (cpus[split:], cpus[:split])
    cores = draw(
        st.sampled_from(
            [[], [cpus[:2], cpus[2:]], [cpus[1:3]], [cpus[:1] + cpus[2:3], cpus[1:2] + cpus[3:]], [cpus[:3]]]
        )
    )
    return cell(
        id_,
        draw(st.integers(8, 24)),
        shared=",".join(map(str, shared)),
        dedicated=",".join(map(str, dedicated)),
        siblings=[",".join(map(str, core)) for core in cores],
        pages={size: draw(st.integers(0, 2)) for size in SIZES if draw(st.booleans())},
        reserved={SIZES[0]: draw(st.integers(0, 1))},
    )


def held_cells(ids: st.SearchStrategy[int]) -> st.SearchStrategy[HeldCell]:
    cpus = st.sets(st.integers(0, 2 * CPUS_A_CELL), max_size=2).map(lambda some: ",".join(map(str, sorted(some))))
    return st.builds(
        HeldCell,
        id=ids,
        vcpus=st.integers(0, 2),
        memory_mib=st.sampled_from([0, 2, 4, 8]),
        page_size_kib=st.sampled_from([0, *SIZES]),
        cpus=cpus,
    )


guest_cells = st.builds(GuestCell, vcpus=st.integers(1, 4), memory_mib=st.integers(1, 12))
requests = st.builds(
    PlacementRequest,
    cpu_policy=st.sampled_from(CpuPolicy),
    thread_policy=st.none() | st.sampled_from(ThreadPolicy),
    page_size=st.none() | st.sampled_from(PageSize),
    page_size_kib=st.sampled_from([4, *SIZES, 8192]),
    cells=st.lists(guest_cells, min_size=1, max_size=3).map(tuple),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    cells = tuple(draw(host_cells(id_)) for id_ in range(draw(st.integers(1, 3))))
    ids = st.integers(0, len(cells) - 1)
    ratios = st.sampled_from([500, 1000, 1500, 4000])
    return Case(
        cells=cells,
        held=tuple(draw(st.lists(held_cells(ids), max_size=3))),
        request=draw(requests),
        ratios=Amounts(vcpus=draw(ratios), memory_mib=draw(ratios)),
    )


each_case = Drawn(cases(), examples=400)


@each_case
def test_a_fit_is_found_exactly_where_a_search_finds_one_and_takes_only_what_is_free(case: Case) -> None:
    found = case.fit()
    assert isinstance(found, Misfit) is not can_be_placed(case.request, case.guests, case.cells, case.held, case.ratios)
    if not isinstance(found, Misfit):
        assert is_allowed(case.request, case.guests, case.cells, case.held, case.ratios, found)


@each_case
def test_the_order_of_cells_and_owners_does_not_matter(case: Case) -> None:
    random = chance(case)
    cells, owners = list(case.cells), [holds(str(number), each) for number, each in enumerate(case.held)]
    once = free_cells(cells, owners, ratios=case.ratios)
    fitted = fit(case.request, Amounts(), cells, once.cells, ratios=case.ratios)
    random.shuffle(cells)
    random.shuffle(owners)
    again = free_cells(cells, owners, ratios=case.ratios)
    assert again == once
    shuffled = list(again.cells)
    random.shuffle(shuffled)
    assert fit(case.request, Amounts(), cells, shuffled, ratios=case.ratios) == fitted


@each_case
def test_what_a_fit_takes_is_gone_and_its_release_restores_it(case: Case) -> None:
    found = case.fit()
    if isinstance(found, Misfit):
        return
    owners = [holds(str(number), each) for number, each in enumerate(case.held)]
    before = free_cells(case.cells, owners, ratios=case.ratios)
    during = free_cells(case.cells, [*owners, holds("new", *found)], ratios=case.ratios)
    taken = {each.id: each for each in found}
    assert during.conflicts == before.conflicts
    for was, now in zip(before.cells, during.cells, strict=True):
        mine = taken.get(was.id, HeldCell(id=was.id))
        assert cpu_numbers(was.cpus) - cpu_numbers(now.cpus) == cpu_numbers(mine.cpus)
        assert now.shared_vcpus - was.shared_vcpus == mine.vcpus
        assert was.memory_mib - now.memory_mib == (0 if mine.page_size_kib else mine.memory_mib)
        for size_was, size_now in zip(was.pages, now.pages, strict=True):
            size = size_was.size_kib if size_was.size_kib in SIZES else 0
            expected = mine.memory_mib * 1024 // size_was.size_kib if size == mine.page_size_kib else 0
            assert size_was.free - size_now.free == expected
    assert free_cells(case.cells, owners, ratios=case.ratios) == before


@each_case
def test_a_refusal_names_what_would_have_fitted(case: Case) -> None:
    found = case.fit()
    if not isinstance(found, Misfit):
        return
    assert all(s.asked > s.free for s in found.shortages)
    if found.guest_cell is None:
        return
    asked = case.guests[found.guest_cell]
    room = {("cpu" if "cpu" in s.amount else "memory"): max(0, s.free) for s in found.shortages}
    less = GuestCell(vcpus=room.get("cpu", asked.vcpus), memory_mib=room.get("memory", asked.memory_mib))
    smaller = Case(
        cells=tuple(c for c in case.cells if c.id == found.cell),
        held=case.held,
        request=PlacementRequest(
            cpu_policy=case.request.cpu_policy,
            thread_policy=case.request.thread_policy,
            page_size=case.request.page_size,
            page_size_kib=case.request.page_size_kib,
            cells=(less,),
        ),
        ratios=case.ratios,
    )
    if any(s.amount.startswith("memoryMiB in") and s.free % 4 for s in found.shortages) or less.memory_mib == 0:
        return
    assert not isinstance(smaller.fit(), Misfit)


@each_case
def test_every_set_of_host_cells_that_can_carry_the_guest_is_offered_once(case: Case) -> None:
    owners = [holds(str(number), each) for number, each in enumerate(case.held)]
    free = free_cells(case.cells, owners, ratios=case.ratios).cells
    offered = list(fits(case.request, Amounts(), case.cells, free, ratios=case.ratios))
    sets = [frozenset(each.id for each in found) for found in offered]
    assert len(set(sets)) == len(sets)
    possible = {
        frozenset(c.id for c in chosen)
        for chosen in permutations(case.cells, len(case.guests))
        if can_be_placed(case.request, case.guests, chosen, case.held, case.ratios)
    }
    assert set(sets) == possible
    assert all(is_allowed(case.request, case.guests, case.cells, case.held, case.ratios, each) for each in offered)


@given(st.integers(0, 6).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, 2**n - 1), max_size=4))))
def test_sets_of_places_come_best_first_and_each_once(drawn: tuple[int, list[int]]) -> None:
    places, options = drawn
    whole = [
        sorted(chosen)
        for chosen in permutations(range(places), len(options))
        if all(option >> place & 1 for option, place in zip(options, chosen, strict=True))
    ]
    found = list(assignments(options, places))
    assert [sorted(each) for each in found] == [list(each) for each in sorted(set(map(tuple, whole)))]
    assert all(option >> place & 1 for each in found for option, place in zip(options, each, strict=True))


@given(st.lists(st.integers(0, 2**5 - 1), max_size=5))
def test_guest_cells_are_crowded_exactly_where_they_cannot_all_be_placed(options: list[int]) -> None:
    guests = crowded(options)
    assert bool(guests) is (next(assignments(options, 5), None) is None)
    places = 0
    for guest in guests:
        places |= options[guest]
    assert not guests or places.bit_count() < len(guests)


@given(st.sets(st.integers(0, cpu_set.CPU_MAX), max_size=40) | st.sets(st.integers(0, 70)))
def test_a_cpu_set_is_read_as_it_was_written(cpus: set[int]) -> None:
    bits = sum(1 << cpu for cpu in cpus)
    assert cpu_numbers(cpu_set.form(bits)) == cpus
    assert cpu_set.parse(cpu_set.form(bits)) == bits
    assert [each.bit_length() - 1 for each in cpu_set.single(bits)] == sorted(cpus)
