"""What goes wrong, and when: drawn from a seed before anything starts, so that a seed that failed replays its faults.

How the faults fall together with what everybody does at that moment is left to the machine.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

CONTROLLERS = ("controller-1", "controller-2")
HOSTS = ("hv1", "hv2")
AGENTS = ("agent-hv1", "agent-hv2", "agent-lab")
PROGRAMS = (*CONTROLLERS, *AGENTS)
DAEMONS = tuple(f"libvirtd-{host}" for host in HOSTS)
GUESTS = tuple(f"guest-{host}" for host in HOSTS)
SERVERS = ("apiserver", "etcd")

SHORTEST, LONGEST = 0.5, 5.0
"""Seconds that a fault lasts."""
LONGEST_PAUSE = 1.6
"""Between two faults, while the ones before still last."""


class Kind(StrEnum):
    KILL = "kill -9"
    FREEZE = "SIGSTOP, SIGCONT"
    RESTART = "restart with an empty cache"
    CUT = "connections cut in the middle of requests"
    CONFLICT = "409"
    TOO_MANY = "429"
    FAILED = "500"
    SLOW = "slow answers"
    STALE = "watches that stand still"
    EXPIRED = "expired watch, deletions in its gap"
    CLOCK_FORWARD = "clock jumps an hour ahead"
    CLOCK_BACK = "clock jumps an hour back"
    TOKEN = "token rotated"  # noqa: S105  # no password
    FULL = "etcd's disk is full"
    KINDS = "CRDs deleted and applied anew"


NETWORK = (Kind.CUT, Kind.CONFLICT, Kind.TOO_MANY, Kind.FAILED, Kind.SLOW)

DECK: Mapping[Kind, Mapping[tuple[str, ...], int]] = {
    Kind.KILL: {PROGRAMS: 3, SERVERS: 2, DAEMONS: 3, GUESTS: 2},
    Kind.FREEZE: {CONTROLLERS: 3, AGENTS: 2, SERVERS: 3, DAEMONS: 3, GUESTS: 2},
    Kind.RESTART: {CONTROLLERS: 2, AGENTS: 1},
    **{kind: {PROGRAMS: 1} for kind in NETWORK},
    Kind.STALE: {CONTROLLERS: 1},
    Kind.EXPIRED: {("controllers",): 2},
    Kind.CLOCK_FORWARD: {PROGRAMS: 1},
    Kind.CLOCK_BACK: {PROGRAMS: 1},
    Kind.TOKEN: {PROGRAMS: 1},
    Kind.FULL: {("etcd",): 3},
    Kind.KINDS: {("CRDs",): 1},
}
"""How often each fault of each target is in one deck; decks are dealt whole, each shuffled anew."""


@dataclass(frozen=True)
class Planned:
    """One fault. `pause`: seconds after the begin of the one before it."""

    number: int
    kind: Kind
    target: str
    seconds: float
    pause: float

    def __str__(self) -> str:
        return f"#{self.number} {self.target}: {self.kind}"

    @property
    def needs(self) -> frozenset[str]:
        """What no other fault may touch meanwhile: two at once would be one."""
        if self.kind in (Kind.EXPIRED, Kind.KINDS):
            return frozenset({*SERVERS, "disk"})
        if self.kind is Kind.FULL:
            return frozenset({"disk"})
        if self.kind in (Kind.KILL, Kind.FREEZE, Kind.RESTART):
            return frozenset({self.target})
        if self.kind in (Kind.CLOCK_FORWARD, Kind.CLOCK_BACK):
            return frozenset({f"clock of {self.target}"})
        return frozenset({f"token of {self.target}" if self.kind is Kind.TOKEN else f"network of {self.target}"})

    def spares(self, host: str) -> bool:
        """It has nothing to do with that host: it is of another one."""
        return any(other in self.target for other in (*HOSTS, "lab") if other != host)


def deck() -> list[tuple[Kind, str]]:
    return [
        (kind, target)
        for kind, parts in DECK.items()
        for targets, times in parts.items()
        for target in targets
        for _ in range(times)
    ]


def deal(seed: int, count: int) -> tuple[Planned, ...]:
    """The first `count` faults of that seed: a longer plan only goes on."""
    dice = random.Random(seed)  # noqa: S311
    dealt = _shuffled(dice)
    return tuple(_planned(number, *next(dealt), dice) for number in range(1, count + 1))


def _shuffled(dice: random.Random) -> Iterator[tuple[Kind, str]]:
    while True:
        cards = deck()
        dice.shuffle(cards)
        yield from cards


def _planned(number: int, kind: Kind, target: str, dice: random.Random) -> Planned:
    seconds = round(dice.triangular(SHORTEST, LONGEST, SHORTEST), 2)
    return Planned(number, kind, target, seconds, round(dice.uniform(0, LONGEST_PAUSE), 2))
