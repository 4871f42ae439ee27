"""`fit`: which hosts would take an Instance, decided by the ledger itself, as the controller would decide it now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.base import Wire
from hypertally.api.compute_node import ComputeNode, NodeCondition, Role
from hypertally.api.conditions import Status, find
from hypertally.api.instance import Instance, InstanceStatus
from hypertally.ledger.gate import Bar
from hypertally.ledger.places import Refusal
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger
from hypertally.ledger.shortage import Shortage
from hypertally.ledger.vectors import WIRE_KEYS
from hypertally.ledger.wants import names, owner

from .holders import by_uuid
from .tables import NONE, Row, size, table

_YOUNGEST = "9999-12-31T23:59:59Z"
_FIRST = 1
"""The generation of an Instance that was only just made."""


class Missing(Wire, frozen=True, kw_only=True):
    """One thing that stands in the way. `amount` with what was asked and what is free, where it is an amount."""

    says: str
    amount: str = ""
    asked: int | None = None
    free: int | None = None


class Fit(Wire, frozen=True, kw_only=True, omit_defaults=False):
    name: str
    fits: bool
    """There is room, and a scheduler may use the host."""
    room: bool
    """The controller would claim it there."""
    ready: Status
    missing: tuple[Missing, ...] = ()
    leaves: Amounts | None = None
    """What would be free afterwards."""


class Fits(Wire, frozen=True, kw_only=True, omit_defaults=False):
    instance: str
    asks: Amounts
    compute_nodes: tuple[Fit, ...]


@dataclass(frozen=True)
class Fleet:
    """All that stands, so that every host can be asked."""

    instances: Sequence[Instance] = ()
    owners: Mapping[str, Instance] = field(default_factory=dict)
    """By guest uuid, who stands for the guest."""

    @classmethod
    def of(cls, instances: Iterable[Instance]) -> "Fleet":
        every = tuple(instances)
        owners = {uuid: stands for uuid, twins in by_uuid(every).items() if (stands := owner(twins))}
        return cls(every, owners)


def newcomer(instance: Instance) -> Instance:
    """One that is only written down: younger than all that wait already."""
    meta = instance.metadata
    made = replace(
        meta,
        uid=meta.uid or "not created yet",
        generation=max(meta.generation, _FIRST),
        creation_timestamp=meta.creation_timestamp or _YOUNGEST,
    )
    return replace(instance, metadata=made)


def fits(instance: Instance, nodes: Iterable[ComputeNode], fleet: Fleet) -> Fits:
    """Best first: those that fit, by what would be left."""
    meta = instance.metadata
    found = sorted((_fit(instance, node, fleet) for node in nodes), key=_rank)
    name = f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name
    return Fits(instance=name, asks=instance.spec.amounts(), compute_nodes=tuple(found))


def _rank(fit: Fit) -> tuple[bool, bool, int, int, str]:
    left = fit.leaves or Amounts()
    return (not fit.fits, not fit.room, -left.memory_mib, -left.vcpus, fit.name)


def _fit(instance: Instance, node: ComputeNode, fleet: Fleet) -> Fit:
    name = node.metadata.name
    ready = find(node.status.conditions, NodeCondition.READY)
    status = ready.status if ready else Status.UNKNOWN
    missing, outcome = _asked(instance, node, fleet)
    room = not missing
    if room and status is not Status.TRUE:
        says = f"Ready is {status}: {ready.message}" if ready else "nobody has said whether it is Ready"
        missing = (Missing(says=says),)
    leaves = outcome.ledger.free if room and outcome else None
    return Fit(name=name, fits=room and status is Status.TRUE, room=room, ready=status, missing=missing, leaves=leaves)


def _asked(instance: Instance, node: ComputeNode, fleet: Fleet) -> tuple[tuple[Missing, ...], Outcome | None]:
    """What the next ledger of the node would refuse, if the Instance were bound to it now."""
    name, uuid = node.metadata.name, instance.spec.uuid
    if instance.status.compute_node_name == name:
        return (Missing(says="it is accounted here already"),), None
    if node.status.ledger is None:
        return (Missing(says="nothing has been accounted here yet"),), None
    bound = replace(instance, spec=replace(instance.spec, compute_node_name=name), status=InstanceStatus())
    owners = {u: each for u, each in fleet.owners.items() if name in names(each)} | _claimants(node, fleet)
    outcome = next_ledger(Inputs(node=node, owners={**owners, uuid: bound}, declared=fleet.owners.keys() | {uuid}))
    if outcome is None:
        return (Missing(says="its capacity is not known"),), None
    refused = outcome.refusals.get(uuid, ())
    if refused:
        return tuple(map(_missing, refused)), outcome
    held = [c for c in outcome.ledger.claims if c.uuid == uuid and c.role is Role.RUNNING]
    if any(claim.overcommitted for claim in held):
        return (Missing(says="no room, but its guest is there and would be charged all the same"),), outcome
    return (), outcome


def _claimants(node: ComputeNode, fleet: Fleet) -> dict[str, Instance]:
    claims = node.status.ledger.claims if node.status.ledger else ()
    return {claim.uuid: fleet.owners[claim.uuid] for claim in claims if claim.uuid in fleet.owners}


def _missing(refusal: Refusal) -> Missing:
    if isinstance(refusal, Shortage) and not isinstance(refusal, Bar):
        return Missing(says=str(refusal), amount=refusal.amount, asked=refusal.asked, free=refusal.free)
    return Missing(says=str(refusal))


def fit_table(found: Fits) -> str:
    asks = ", ".join(f"{WIRE_KEYS[key]} {value}" for key in WIRE_KEYS if (value := getattr(found.asks, key)))
    if not found.compute_nodes:
        return "No ComputeNodes found."
    head = ("NAME", "FITS", "READY", "LEAVES-VCPUS", "LEAVES-PCPUS", "LEAVES-MEMORY", "LEAVES-DISK", "MISSING")
    return f"Instance {found.instance} asks for {asks}.\n\n{table(head, map(_row, found.compute_nodes))}"


def _row(fit: Fit) -> Row:
    left = fit.leaves
    numbers = (NONE,) * 4 if left is None else _left(left)
    return (fit.name, "yes" if fit.fits else "no", fit.ready, *numbers, "; ".join(m.says for m in fit.missing) or NONE)


def _left(left: Amounts) -> Row:
    pcpus = str(left.pcpus) if left.pcpus else NONE
    return (str(left.vcpus), pcpus, size(left.memory_mib), size(left.disk_mib))
