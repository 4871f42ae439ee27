"""Does a claim fit: all or nothing, amount by amount."""

from collections.abc import Collection, Mapping

from hypertally.api.amounts import Amounts
from hypertally.api.bounds import CLAIMS_MAX
from hypertally.api.compute_node import Claim, Report, Role

from .charges import charge, sizes
from .places import Places, Refusal, too_much, too_much_of_one
from .policy import Policy
from .shortage import Shortage
from .vectors import KEYS, WIRE_KEYS, ZERO, add, subtract, times, total
from .wants import Want


class Desk:
    """The claims of one node while the next ledger is made; the charge of a guest is counted anew with each claim."""

    def __init__(self, report: Report, policy: Policy) -> None:
        self.allocatable = policy.allocatable
        self.places = Places(report, policy.ratios)
        self._overhead = policy.overhead
        self._listed = sizes(report.guests)
        self._held: dict[str, dict[Role, Claim]] = {}
        self._count = 0
        self._charges = {uuid: self._charge(uuid, ()) for uuid in self._listed}
        omitted = add(report.omitted_resources or ZERO, times(report.guests_omitted, self._overhead))
        self.allocated = add(total(self._charges.values()), omitted)

    def held(self, uuid: str) -> Mapping[Role, Claim]:
        return self._held.get(uuid, {})

    def claims(self) -> tuple[Claim, ...]:
        """Sorted, so that the same claims are the same bytes."""
        every = (c for held in self._held.values() for c in held.values())
        return tuple(sorted(every, key=lambda c: (c.uuid, c.role)))

    def put(self, claim: Claim) -> None:
        """Whether it fits or not; takes the place of the guest's claim in that role."""
        held = self._held.setdefault(claim.uuid, {})
        self._count += claim.role not in held
        held[claim.role] = claim
        charged = self._charge(claim.uuid, held.values())
        self.allocated = self._allocated_with(claim.uuid, charged)
        self._charges[claim.uuid] = charged
        self.places.note(claim.uuid, held)

    @property
    def lines(self) -> int:
        """How many more claims the schema lets a ledger hold."""
        return CLAIMS_MAX - self._count

    def fit(self, claim: Claim, want: Want) -> Claim | tuple[Refusal, ...]:
        """`claim` with its cells and devices, or everything that is missing."""
        return self.shortages(claim) or self.fit_places(claim, want)

    def fit_places(self, claim: Claim, want: Want) -> Claim | tuple[Refusal, ...]:
        """Whether there is room for its amounts or not."""
        found = self.places.choose(claim, want.placement, want.placed)
        if not isinstance(found, Claim):
            return (found,)
        if not found.request_digest:
            return found
        mine = {**self.held(claim.uuid), claim.role: found}
        beyond = too_much((*self.claims(), found)) or too_much_of_one(mine.values())
        return found if beyond is None else (beyond,)

    def shortages(self, claim: Claim) -> tuple[Shortage, ...]:
        """What is missing for `claim`. An amount that it does not ask for is never missing."""
        changed = {**self.held(claim.uuid), claim.role: claim}
        after = self._allocated_with(claim.uuid, self._charge(claim.uuid, changed.values()))
        found = [] if self.lines > 0 or claim.role in self.held(claim.uuid) else [Shortage("claims", 1, self.lines)]
        for key in KEYS:
            asked, room = getattr(claim.resources, key), getattr(self.allocatable, key)
            over = getattr(after, key) - room
            if asked > 0 and over > 0:
                found.append(Shortage(WIRE_KEYS[key], asked, asked - over))
        return tuple(found)

    def _allocated_with(self, uuid: str, charged: Amounts) -> Amounts:
        return add(subtract(self.allocated, self._charges.get(uuid, ZERO)), charged)

    def _charge(self, uuid: str, claims: Collection[Claim]) -> Amounts:
        return charge(claims, self._listed.get(uuid, ZERO), self._overhead)
