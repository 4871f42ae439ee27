"""Who holds what on one host: each guest's charge, and which claims, or which listing, it comes from."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from hypertally.api.amounts import Amounts
from hypertally.api.base import Wire
from hypertally.api.compute_node import Claim, ComputeNode, Guest, GuestState, Role
from hypertally.api.conditions import find
from hypertally.api.instance import Instance, InstanceCondition
from hypertally.api.placement import Placement
from hypertally.ledger.charges import charge
from hypertally.ledger.holdings import union
from hypertally.ledger.places import by_guest
from hypertally.ledger.policy import Policy
from hypertally.ledger.vectors import ZERO
from hypertally.ledger.wants import names

OwnerOf = Callable[[str], Instance | None]


class Standing(StrEnum):
    """Why a guest is charged here."""

    CLAIMED = "Claimed"
    ORPHAN = "Orphan"
    STRAY = "AccountedElsewhere"


class Holder(Wire, frozen=True, kw_only=True):
    name: str
    """`namespace/name` of its Instance; of an orphan its own name."""
    uuid: str
    standing: Standing
    roles: tuple[Role, ...] = ()
    state: GuestState | None = None
    """Absent: the host does not list it."""
    charge: Amounts
    overcommitted: bool = False
    places: tuple[str, ...] = ()
    """CPUs, cells and devices that it holds."""
    accounted_on: str = ""
    """Of a stray."""


class Waiting(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """An Instance that names the host and holds nothing there."""

    name: str
    reason: str
    message: str


def holders(node: ComputeNode, owner_of: OwnerOf) -> tuple[Holder, ...]:
    """In the order of their names. Together with the guests that the report leaves out they are what is allocated."""
    report, ledger = node.status.report, node.status.ledger
    guests = {guest.uuid: guest for guest in report.guests} if report else {}
    claims = by_guest(ledger.claims if ledger else ())
    overhead = Policy.of(node.spec, ZERO).overhead
    held = (_claimed(list(roles.values()), guests.get(uuid), overhead) for uuid, roles in claims.items())
    listed = (_listed(guest, owner_of(uuid), overhead) for uuid, guest in guests.items() if uuid not in claims)
    return tuple(sorted((*held, *listed), key=lambda each: (each.standing, each.name, each.uuid)))


def waiting(node: str, instances: Iterable[Instance], claims: Iterable[Claim]) -> tuple[Waiting, ...]:
    held = {claim.instance_uid for claim in claims}
    here = (each for each in instances if node in names(each) and each.metadata.uid not in held)
    return tuple(sorted((_waits(each) for each in here), key=lambda each: each.name))


def _claimed(claims: list[Claim], guest: Guest | None, overhead: Amounts) -> Holder:
    first = claims[0]
    return Holder(
        name=f"{first.namespace}/{first.name}",
        uuid=first.uuid,
        standing=Standing.CLAIMED,
        roles=tuple(sorted(claim.role for claim in claims)),
        state=guest.state if guest else None,
        charge=charge(claims, guest.amounts() if guest else ZERO, overhead),
        overcommitted=any(claim.overcommitted for claim in claims),
        places=tuple(_places(union(claim.placement for claim in claims))),
    )


def _listed(guest: Guest, owner: Instance | None, overhead: Amounts) -> Holder:
    return Holder(
        name=f"{owner.metadata.namespace}/{owner.metadata.name}" if owner else guest.name,
        uuid=guest.uuid,
        standing=Standing.STRAY if owner else Standing.ORPHAN,
        state=guest.state,
        charge=charge((), guest.amounts(), overhead),
        places=tuple(_really_has(guest)),
        accounted_on=owner.status.compute_node_name if owner else "",
    )


def _places(placement: Placement) -> Iterator[str]:
    for cell in placement.cells:
        pages = f" in pages of {cell.page_size_kib}Ki" if cell.page_size_kib else ""
        cpus = f" cpus {cell.cpus}" if cell.cpus else ""
        yield f"cell {cell.id}:{cpus} {cell.memory_mib}Mi{pages}"
    if placement.devices:
        yield f"pci {','.join(device.address for device in placement.devices)}"
    for mdev in placement.mdevs:
        yield f"mdev {mdev.count} of {mdev.type} at {mdev.parent_address}"


def _really_has(guest: Guest) -> Iterator[str]:
    if guest.pinned_cpus:
        yield f"cpus {guest.pinned_cpus}"
    if guest.cells:
        yield f"cells {','.join(map(str, guest.cells))}"
    if guest.pci_addresses:
        yield f"pci {','.join(guest.pci_addresses)}"
    if guest.mdev_uuids:
        yield f"mdev {len(guest.mdev_uuids)}"


def _waits(instance: Instance) -> Waiting:
    said = find(instance.status.conditions, InstanceCondition.CLAIMED)
    return Waiting(
        name=f"{instance.metadata.namespace}/{instance.metadata.name}",
        reason=said.reason if said else "Pending",
        message=said.message if said else "The controller has not looked at it yet.",
    )


def by_uuid(instances: Iterable[Instance]) -> Mapping[str, list[Instance]]:
    """Of several with one uuid, one stands for the guest: see `ledger.wants.owner`."""
    found: dict[str, list[Instance]] = {}
    for each in instances:
        found.setdefault(each.spec.uuid, []).append(each)
    return found
