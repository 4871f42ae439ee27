"""Which CPUs of a cell are taken: core by core, by thread policy, to the last thread."""

import pytest

from hypertally.api.placement import ThreadPolicy
from hypertally.ledger.numa_cells import HostCell, host_cells
from hypertally.ledger.numa_cpus import room_for, take, takeable
from tests.ledger.numa_make import cell

PREFER, REQUIRE, ISOLATE = ThreadPolicy.PREFER, ThreadPolicy.REQUIRE, ThreadPolicy.ISOLATE


def of(shared: str, dedicated: str, *siblings: str) -> HostCell:
    (only,) = host_cells([cell(shared=shared, dedicated=dedicated, siblings=siblings)])
    return only


@pytest.mark.parametrize(
    ("count", "taken"), [(0, 0b0), (1, 0b10), (2, 0b1010), (3, 0b11010), (4, 0b11011), (5, 0b11111), (9, 0b11111)]
)
@pytest.mark.parametrize("policy", [None, PREFER, REQUIRE])
def test_the_lowest_cpus_of_the_emptiest_core_are_taken_first(
    policy: ThreadPolicy | None, count: int, taken: int
) -> None:
    assert take((0b00101, 0b11010), count, policy) == taken


@pytest.mark.parametrize(("count", "taken"), [(0, 0b0), (1, 0b101), (2, 0b1111)])
def test_isolate_takes_the_first_cores_whole(count: int, taken: int) -> None:
    assert take((0b0101, 0b1010, 0b110000), count, ISOLATE) == taken


@pytest.mark.parametrize(("policy", "room"), [(None, 5), (PREFER, 5), (REQUIRE, 5), (ISOLATE, 2)])
def test_an_isolated_core_is_room_for_one(policy: ThreadPolicy | None, room: int) -> None:
    assert room_for((0b00101, 0b11010), policy) == room


@pytest.mark.parametrize(
    ("policy", "cores"),
    [(None, (0b00001, 0b01010, 0b10000)), (PREFER, (0b00001, 0b01010, 0b10000)), (REQUIRE, (0b01010,))],
)
def test_what_is_free_of_each_core_may_be_taken(policy: ThreadPolicy | None, cores: tuple[int, ...]) -> None:
    assert takeable(of("", "0-4", "0,2", "1,3"), 0b11011, policy) == cores


def test_only_cores_that_are_free_as_a_whole_are_isolated() -> None:
    legacy = of("0-4", "0-4", "0,2", "1,3")
    assert takeable(legacy, 0b11011, ISOLATE) == (0b01010, 0b10000)
    assert takeable(legacy, 0b00101, ISOLATE) == (0b00101,)


def test_where_dedicated_cpus_are_apart_only_single_threads_are_isolated() -> None:
    assert takeable(of("", "0-4", "0,2", "1,3"), 0b11111, ISOLATE) == (0b10000,)
