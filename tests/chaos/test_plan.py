"""Faults are drawn from a seed, before anything starts."""

from itertools import count

from .plan import DECK, HOSTS, Kind, deal, deck


def test_the_same_seed_deals_the_same_faults_and_another_seed_others() -> None:
    assert deal(7, 300) == deal(7, 300)
    assert deal(7, 300) != deal(8, 300)


def test_a_longer_plan_only_goes_on() -> None:
    assert deal(7, 300)[:50] == deal(7, 50)


def test_every_kind_of_fault_is_in_each_deck() -> None:
    kinds = {planned.kind for planned in deal(1, len(deck()))}
    assert kinds == set(Kind) == set(DECK)


def test_two_faults_of_one_program_never_fall_together_and_those_of_two_may() -> None:
    killed = {planned.target: planned for planned in deal(1, 500) if planned.kind is Kind.KILL}
    frozen = {planned.target: planned for planned in deal(1, 500) if planned.kind is Kind.FREEZE}
    assert killed["etcd"].needs & frozen["etcd"].needs
    assert not killed["etcd"].needs & frozen["apiserver"].needs


def test_a_fault_of_one_host_spares_the_other_and_one_of_the_control_plane_spares_none() -> None:
    for planned, host in zip(deal(1, 500), count(), strict=False):
        mine, other = HOSTS[host % 2], HOSTS[(host + 1) % 2]
        assert planned.spares(mine) == (other in planned.target or "lab" in planned.target)
