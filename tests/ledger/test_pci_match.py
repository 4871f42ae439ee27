"""How devices of several groups are divided among requests."""

from collections.abc import Sequence

from hypertally.ledger.pci_match import Crowd, divide


def divided(
    needs: Sequence[int], options: Sequence[Sequence[int]], room: Sequence[int]
) -> list[dict[int, int]] | Crowd:
    """Groups with low numbers are preferred."""
    found = divide(needs, options, room, lambda _, group, __: (group,))
    return found if isinstance(found, Crowd) else [{g: n for g, n in sorted(each.items()) if n} for each in found]


def test_preferred_groups_are_emptied_first() -> None:
    assert divided([3], [[0, 1]], [2, 2]) == [{0: 2, 1: 1}]


def test_a_later_request_moves_an_earlier_one_on() -> None:
    assert divided([1, 1], [[0, 1], [0]], [1, 1]) == [{1: 1}, {0: 1}]


def test_the_one_that_moves_on_may_move_another() -> None:
    assert divided([1, 1, 1], [[1, 2], [0, 1], [0]], [1, 1, 1]) == [{2: 1}, {1: 1}, {0: 1}]


def test_who_has_devices_of_two_groups_leaves_the_one_that_is_needed() -> None:
    assert divided([2, 1], [[0, 1, 2], [0]], [1, 1, 1]) == [{1: 1, 2: 1}, {0: 1}]


def test_requests_in_each_others_way_are_named_together_and_others_are_not() -> None:
    assert divided([1, 2, 1, 2], [[3], [0, 1], [2], [1]], [1, 2, 1, 1]) == Crowd((1, 3), asked=4, free=3)


def test_a_request_that_no_group_is_good_for_is_alone_in_its_crowd() -> None:
    assert divided([1, 1], [[0], []], [1]) == Crowd((1,), asked=1, free=0)
