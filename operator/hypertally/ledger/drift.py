"""What really is, against what is accounted: guests that differ from their claims, and guests that are elsewhere.

Shown, never acted on: a charge is the greater of the two already, so nothing is counted too low meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from hypertally.api.compute_node import Claim, ComputeNode, Guest, GuestState, Role
from hypertally.api.instance import Instance

from .differences import Difference
from .drift_places import places
from .vectors import KEYS, WIRE_KEYS
from .wants import names

_TEXT_MAX = 600
"""Characters of a list of guests: a condition's message has 1024, and the rest of it matters more than a tenth name."""


@dataclass(frozen=True)
class Drift:
    """An Instance whose guest is not what is accounted for it."""

    instance: str
    """`namespace/name`."""
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        return f"{self.instance} has {', '.join(map(str, self.differences))}"


@dataclass(frozen=True)
class Stray:
    """A guest whose Instance is accounted elsewhere, or nowhere: this node is charged for it as it lists it."""

    instance: str
    guest: str
    state: GuestState
    home: str

    def __str__(self) -> str:
        home = self.home or "no node"
        return f"guest {self.guest} ({self.state}) of {self.instance}, which is accounted on {home}"


def drifts(node: ComputeNode) -> tuple[Drift, ...]:
    """In the order of the ledger's claims."""
    ledger, report = node.status.ledger, node.status.report
    if ledger is None or report is None:
        return ()
    guests = {guest.uuid: guest for guest in report.guests}
    found = ((claim, differences(claim, guests[claim.uuid])) for claim in _settled(ledger.claims, guests))
    return tuple(Drift(f"{claim.namespace}/{claim.name}", differ) for claim, differ in found if differ)


def drift_of(node: ComputeNode, uuid: str) -> tuple[Difference, ...]:
    """Of one guest; nothing where it matches, or is not meant to."""
    ledger, report = node.status.ledger, node.status.report
    guest = next((g for g in report.guests if g.uuid == uuid), None) if report else None
    if ledger is None or guest is None:
        return ()
    mine = [c for c in ledger.claims if c.uuid == uuid]
    return tuple(d for claim in _settled(mine, {uuid}) for d in differences(claim, guest))


def _settled(claims: Sequence[Claim], listed: Container[str]) -> Iterator[Claim]:
    """Those that a listing is meant to match.

    A second claim says that the guest moves or changes, or that the report may be older than the claim: `Leaving` goes
    with a newer one. A claim that was taken without room has no amounts of its own.
    """
    number = Counter(claim.uuid for claim in claims)
    for claim in claims:
        alone = claim.role is Role.RUNNING and number[claim.uuid] == 1
        if alone and not claim.overcommitted and claim.uuid in listed:
            yield claim


def differences(claim: Claim, guest: Guest) -> tuple[Difference, ...]:
    return tuple(found for compare in COMPARISONS for found in compare(claim, guest))


def _amounts(claim: Claim, guest: Guest) -> Iterator[Difference]:
    real = guest.amounts()
    for key in KEYS:
        has, held = getattr(real, key), getattr(claim.resources, key)
        if has != held:
            yield Difference(WIRE_KEYS[key], str(has), str(held))


def _places(claim: Claim, guest: Guest) -> Iterator[Difference]:
    return places(claim.placement, guest)


COMPARISONS: tuple[Callable[[Claim, Guest], Iterator[Difference]], ...] = (_amounts, _places)
"""What is compared of a guest. Whatever a claim comes to hold beside these is one more function here."""


def strays(node: ComputeNode, owner_of: Callable[[str], Instance | None]) -> tuple[Stray, ...]:
    """Guests that this node lists and whose Instance neither holds nor wants anything here.

    A claim of any role says that the listing may be older than the move; without one, it has been proven.
    """
    ledger, report = node.status.ledger, node.status.report
    if ledger is None or report is None:
        return ()
    held = {claim.uuid for claim in ledger.claims}
    found = ((guest, owner_of(guest.uuid)) for guest in report.guests if guest.uuid not in held)
    return tuple(_stray(g, i) for g, i in found if i is not None and node.metadata.name not in names(i))


def _stray(guest: Guest, instance: Instance) -> Stray:
    meta = instance.metadata
    return Stray(f"{meta.namespace}/{meta.name}", guest.uuid, guest.state, instance.status.compute_node_name)


def enumerated(things: Sequence[object], most: int = _TEXT_MAX) -> str:
    """The first of them, as many as fit, and how many more there are."""
    shown: list[str] = []
    for each in map(str, things):
        if shown and len("; ".join([*shown, each])) > most:
            break
        shown.append(each)
    rest = len(things) - len(shown)
    return "; ".join(shown) + (f"; and {rest} more" if rest else "")
