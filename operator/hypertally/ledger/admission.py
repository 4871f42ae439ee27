"""Does a claim fit: all or nothing, amount by amount."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import CLAIMS_MAX
from hypertally.api.compute_node import Claim, Role

from .charges import charge
from .vectors import KEYS, WIRE_KEYS, ZERO, add, subtract, total


@dataclass(frozen=True)
class Shortage:
    """One amount that is missing: how much was asked for, how much is free for it (negative when over-committed)."""

    amount: str
    asked: int
    free: int

    def __str__(self) -> str:
        return f"{self.amount}: asked {self.asked}, free {self.free}"


class Desk:
    """The claims of one node while the next ledger is made; the charge of a guest is counted anew with each claim."""

    def __init__(self, allocatable: Amounts, listed: Mapping[str, Amounts], omitted: Amounts) -> None:
        self.allocatable = allocatable
        self._listed = listed
        self._held: dict[str, dict[Role, Claim]] = {}
        self._count = 0
        self.allocated = add(total(listed.values()), omitted)

    def held(self, uuid: str) -> Mapping[Role, Claim]:
        return self._held.get(uuid, {})

    def claims(self) -> tuple[Claim, ...]:
        """Sorted, so that the same claims are the same bytes."""
        every = (c for held in self._held.values() for c in held.values())
        return tuple(sorted(every, key=lambda c: (c.uuid, c.role)))

    def put(self, claim: Claim) -> None:
        """Whether it fits or not; takes the place of the guest's claim in that role."""
        self.allocated = self._allocated_with(claim)
        held = self._held.setdefault(claim.uuid, {})
        self._count += claim.role not in held
        held[claim.role] = claim

    @property
    def places(self) -> int:
        """How many more claims the schema lets a ledger hold."""
        return CLAIMS_MAX - self._count

    def shortages(self, claim: Claim) -> tuple[Shortage, ...]:
        """What is missing for `claim`. An amount that it does not ask for is never missing."""
        after = self._allocated_with(claim)
        found = [] if self.places > 0 or claim.role in self.held(claim.uuid) else [Shortage("claims", 1, self.places)]
        for key in KEYS:
            asked, room = getattr(claim.resources, key), getattr(self.allocatable, key)
            over = getattr(after, key) - room
            if asked > 0 and over > 0:
                found.append(Shortage(WIRE_KEYS[key], asked, asked - over))
        return tuple(found)

    def _allocated_with(self, claim: Claim) -> Amounts:
        held = self._held.get(claim.uuid, {})
        changed = {**held, claim.role: claim}
        return add(
            subtract(self.allocated, self._charge(claim.uuid, held.values())),
            self._charge(claim.uuid, changed.values()),
        )

    def _charge(self, uuid: str, claims: Iterable[Claim]) -> Amounts:
        return charge(claims, self._listed.get(uuid, ZERO))
