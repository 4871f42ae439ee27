"""Does a claim fit: all or nothing, amount by amount."""

from msgspec.structs import replace

from hypertally.api.amounts import DEFAULT_RATIOS, Amounts
from hypertally.api.bounds import CLAIMS_MAX
from hypertally.ledger.admission import Desk
from hypertally.ledger.policy import Policy
from hypertally.ledger.shortage import Shortage
from hypertally.ledger.vectors import ZERO
from tests.ledger.make import INCOMING, LEAVING, RUNNING, claim, guest, report, size


def desk(room: Amounts | int, listed: dict[str, int] | None = None, omitted: int = 0, overhead: int = 0) -> Desk:
    policy = Policy(room if isinstance(room, Amounts) else size(room), DEFAULT_RATIOS, Amounts(memory_mib=overhead))
    guests = [guest(uuid, resources=number) for uuid, number in (listed or {}).items()]
    seen = replace(report(0, guests), omitted_resources=size(omitted), guests_omitted=1 if omitted else 0)
    return Desk(seen, policy)


def test_a_claim_that_fills_the_node_exactly_fits() -> None:
    assert desk(4).shortages(claim("a", resources=4)) == ()


def test_each_missing_amount_is_named_with_what_was_asked_and_what_is_free() -> None:
    room = Amounts(vcpus=8, memory_mib=1000, disk_mib=10)
    asked = claim("a", resources=Amounts(vcpus=4, memory_mib=1500, disk_mib=20))
    assert desk(room).shortages(asked) == (Shortage("memoryMiB", 1500, 1000), Shortage("diskMiB", 20, 10))


def test_a_shortage_reads_as_a_sentence_part() -> None:
    assert str(Shortage("memoryMiB", 1500, -20)) == "memoryMiB: asked 1500, free -20"


def test_cpus_of_ones_own_cannot_be_taken_from_those_that_are_shared() -> None:
    room = Amounts(vcpus=8, pcpus=1, memory_mib=4, disk_mib=4)
    asked = claim("a", resources=Amounts(vcpus=1, pcpus=2, memory_mib=1))
    assert desk(room).shortages(asked) == (Shortage("pcpus", 2, 1),)


def test_an_amount_that_is_not_asked_for_is_never_missing() -> None:
    full = desk(Amounts(vcpus=4, memory_mib=4, disk_mib=-1))
    assert full.shortages(claim("a", resources=Amounts(vcpus=1, memory_mib=1, disk_mib=0))) == ()


def test_what_is_free_on_an_overcommitted_node_is_negative() -> None:
    assert desk(4, {"orphan": 6}).shortages(claim("a"))[0] == Shortage("vcpus", 1, -2)


def test_orphans_and_omitted_guests_take_room() -> None:
    assert desk(4, {"orphan": 1}, omitted=2).shortages(claim("a", resources=1)) == ()
    assert desk(4, {"orphan": 1}, omitted=2).shortages(claim("a", resources=2))


def test_a_guest_that_is_listed_needs_no_second_room_for_its_claim() -> None:
    assert desk(4, {"a": 4}).shortages(claim("a", resources=4)) == ()


def test_a_guest_that_is_listed_greater_than_its_claim_needs_room_for_what_is_listed() -> None:
    assert desk(6, {"a": 6}).shortages(claim("a", resources=3)) == ()
    assert desk(5, {"a": 6}).shortages(claim("a", resources=3))


def test_a_claim_beside_another_of_the_same_guest_needs_room_of_its_own() -> None:
    books = desk(4)
    books.put(claim("a", RUNNING, 2))
    assert books.shortages(claim("a", INCOMING, 3))[0] == Shortage("vcpus", 3, 2)
    assert books.shortages(claim("a", INCOMING, 2)) == ()


def test_what_leaves_covers_a_new_claim_of_the_same_guest() -> None:
    books = desk(4)
    books.put(claim("a", LEAVING, 4))
    assert books.shortages(claim("a", RUNNING, 4)) == ()
    assert books.shortages(claim("b", RUNNING, 1))


def test_a_claim_takes_the_place_of_the_one_in_the_same_role() -> None:
    books = desk(4)
    books.put(claim("a", resources=1))
    books.put(claim("a", resources=3))
    assert books.allocated == size(3)
    assert [c.resources for c in books.claims()] == [size(3)]


def test_what_is_put_is_charged_whether_it_fits_or_not() -> None:
    books = desk(1)
    books.put(claim("a", resources=3))
    assert books.allocated == size(3)


def test_claims_come_out_sorted_by_guest_and_role() -> None:
    books = desk(9)
    for each in (claim("b"), claim("a", RUNNING), claim("a", INCOMING)):
        books.put(each)
    assert [(c.uuid, c.role) for c in books.claims()] == [("a", INCOMING), ("a", RUNNING), ("b", RUNNING)]


def test_a_ledger_that_the_schema_holds_full_admits_no_further_claim_and_says_so() -> None:
    books = desk(10**6)
    for number in range(CLAIMS_MAX):
        books.put(claim(f"g{number}"))
    assert books.lines == 0
    assert books.shortages(claim("one-more")) == (Shortage("claims", 1, 0),)
    assert books.shortages(claim("g1", resources=2)) == (), "a claim in the place of another needs no further place"


def test_a_guest_without_claims_holds_nothing() -> None:
    assert desk(1).held("a") == {}
    assert desk(1).allocated == ZERO


def test_what_the_hypervisor_takes_is_charged_once_for_each_guest_however_many_claims_it_has() -> None:
    books = desk(100, listed={"a": 4, "orphan": 2}, overhead=10)
    assert books.allocated.memory_mib == 4 + 2 + 2 * 10
    books.put(claim("a", resources=4))
    books.put(claim("a", INCOMING, resources=4))
    assert books.allocated.memory_mib == 8 + 2 + 2 * 10
    books.put(claim("b", resources=1))
    assert books.allocated.memory_mib == 8 + 2 + 1 + 3 * 10
    assert books.allocated.vcpus == 8 + 2 + 1


def test_a_guest_that_fits_only_without_what_the_hypervisor_takes_does_not_fit() -> None:
    assert desk(16, overhead=8).shortages(claim("a", resources=8)) == ()
    assert desk(16, overhead=9).shortages(claim("a", resources=8)) == (Shortage("memoryMiB", 8, 7),)


def test_guests_that_the_report_left_out_cost_the_hypervisor_as_much_as_others() -> None:
    assert desk(100, omitted=5, overhead=10).allocated.memory_mib == 5 + 10
