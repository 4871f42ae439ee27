"""Arithmetic on amounts: key by key, signed, and clamped only where asked."""

from hypertally.api.amounts import Amounts
from hypertally.ledger import vectors


def v(vcpus: int, memory: int, disk: int) -> Amounts:
    return Amounts(vcpus=vcpus, memory_mib=memory, disk_mib=disk)


def test_amounts_are_added_key_by_key() -> None:
    assert vectors.add(v(1, 2, 3), v(10, 20, 30)) == v(11, 22, 33)


def test_a_difference_below_zero_stays_negative() -> None:
    assert vectors.subtract(v(1, 2, 3), v(4, 2, 1)) == v(-3, 0, 2)


def test_the_greater_of_two_is_taken_key_by_key() -> None:
    assert vectors.most(v(1, 20, 3), v(10, 2, 3)) == v(10, 20, 3)


def test_no_key_is_left_out() -> None:
    a = Amounts(**{key: 10 + place for place, key in enumerate(vectors.KEYS)})
    b = Amounts(**{key: 3 * place for place, key in enumerate(vectors.KEYS)})
    assert vectors.add(a, b) == vectors.combine(lambda x, y: x + y, a, b)
    assert vectors.subtract(a, b) == vectors.combine(lambda x, y: x - y, a, b)
    assert vectors.most(a, b) == vectors.combine(max, a, b) == vectors.most(b, a)


def test_the_sum_of_nothing_is_nothing() -> None:
    assert vectors.total([]) == vectors.ZERO == v(0, 0, 0)


def test_a_sum_counts_each_of_them_once() -> None:
    assert vectors.total([v(1, 2, 3), v(1, 2, 3), v(1, 0, 0)]) == v(3, 4, 6)


def test_the_greatest_of_many_may_come_from_different_ones() -> None:
    assert vectors.greatest([v(1, 20, 3), v(10, 2, 3), v(0, 0, 30)]) == v(10, 20, 30)


def test_one_covers_another_only_if_no_key_falls_short() -> None:
    assert vectors.covers(v(2, 2, 2), v(2, 1, 0))
    assert not vectors.covers(v(2, 2, 2), v(0, 0, 3))


def test_every_amount_has_its_name_on_the_wire() -> None:
    assert vectors.WIRE_KEYS == {
        "vcpus": "vcpus", "pcpus": "pcpus", "memory_mib": "memoryMiB", "disk_mib": "diskMiB"
    }  # fmt: skip


def test_what_the_api_cannot_say_is_told_as_the_nearest_that_it_can() -> None:
    found = vectors.clamped(Amounts(vcpus=2**53, pcpus=-(2**60), memory_mib=2**53 - 1, disk_mib=-7))
    assert found == Amounts(vcpus=2**53 - 1, pcpus=1 - 2**53, memory_mib=2**53 - 1, disk_mib=-7)
