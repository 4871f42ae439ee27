"""What of an object others depend on: where it is equal before and after a change, none of them need be looked at."""

from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode, Role
from hypertally.api.instance import Instance
from hypertally.ledger.evidence import is_current
from hypertally.ledger.gate import bar, is_frozen
from hypertally.ledger.node_conditions import is_served


def told_to_all(node: ComputeNode) -> object:
    """What may be told to each Instance that names the node, or that a move leads to it."""
    report = node.status.report
    said = (report.capacity is None, report.guests_omitted) if report else None
    return bar(node), is_frozen(node), is_served(node), node.status.ledger is None, said


def accounted(instance: Instance) -> Instance:
    """Without what no ledger depends on: most writes of an Instance only tell its owner something."""
    metadata = replace(instance.metadata, resource_version="")
    told = replace(instance.status, conditions=(), power_state=None)
    return replace(instance, metadata=metadata, status=told)


def said_of_guests(node: ComputeNode | None) -> dict[str, object]:
    """All that a node says of each guest."""
    said: dict[str, list[object]] = {}
    if node is not None:
        for guest in node.status.report.guests if node.status.report else ():
            said.setdefault(guest.uuid, []).append(guest)
        for claim in node.status.ledger.claims if node.status.ledger else ():
            said.setdefault(claim.uuid, []).append(claim)
    return {uuid: tuple(parts) for uuid, parts in said.items()}


def settled(node: ComputeNode | None) -> set[str]:
    """By uid, the Instances that are told nothing of the room that is left: they were given theirs."""
    claims = node.status.ledger.claims if node is not None and node.status.ledger else ()
    return {c.instance_uid for c in claims if c.role is Role.RUNNING and not c.overcommitted}


def room(node: ComputeNode | None) -> object:
    """What all others are told of."""
    if node is None or node.status.ledger is None:
        return None
    ledger = node.status.ledger
    return ledger.free, ledger.free_cells, ledger.free_devices, ledger.free_mdevs, node.status.conditions


def held_at_last(old: ComputeNode | None, new: ComputeNode | None) -> frozenset[str] | None:
    """All guests that a ledger holds something for, if it has just caught up with its report; else None. Whose home
    holds nothing for him loses it then, and not sooner; all else that is told of the node may be as it was."""
    if new is None or new.status.ledger is None or not is_current(new) or (old is not None and is_current(old)):
        return None
    return frozenset(claim.uuid for claim in new.status.ledger.claims)
