"""The next ledger of a node and what it refuses, counted once for all who ask.

Its reconciler asks before it reads what the decision rests on and after, and each Instance that waits for the node asks
what it is refused there: without this each would count the whole node again.
"""

from collections import OrderedDict
from dataclasses import dataclass

from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance
from hypertally.ledger.proof import NEEDS_PROOF, AgentLook
from hypertally.ledger.reconcile import Inputs, Outcome, next_ledger

_NODES_MAX = 128


@dataclass(frozen=True)
class _Key:
    """All that an outcome depends on. The node by its content: it is much smaller than what is counted of it."""

    node: ComputeNode
    owners: frozenset[tuple[str, str]]
    declared: frozenset[str]
    frozen: frozenset[str]
    look: AgentLook | None


class Outcomes:
    """The last one of each of the nodes that were asked for last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[_Key, Outcome | None]] = OrderedDict()

    def of(self, inputs: Inputs) -> Outcome | None:
        """As `next_ledger`."""
        name, key = inputs.node.metadata.name, _key(inputs)
        known = self._known.pop(name, None)
        if known is None or known[0] != key:
            known = (key, next_ledger(inputs))
        self._known[name] = known
        while len(self._known) > _NODES_MAX:
            self._known.popitem(last=False)
        return known[1]


def needs_look(node: ComputeNode) -> bool:
    """Whether anything that the node holds is proven by its agent's Lease."""
    ledger = node.status.ledger
    return ledger is not None and any(claim.role in NEEDS_PROOF for claim in ledger.claims)


def _key(inputs: Inputs) -> _Key:
    report, ledger = inputs.node.status.report, inputs.node.status.ledger
    uuids = inputs.owners.keys() | {claim.uuid for claim in ledger.claims} if ledger else inputs.owners.keys()
    return _Key(
        node=inputs.node,
        owners=frozenset((uuid, _version(owner)) for uuid, owner in inputs.owners.items()),
        declared=frozenset(g.uuid for g in report.guests if g.uuid in inputs.declared) if report else frozenset(),
        frozen=frozenset(uuid for uuid in uuids if uuid in inputs.frozen),
        look=inputs.look if needs_look(inputs.node) else None,
    )


def _version(owner: Instance) -> str:
    """Of one without a home only its spec matters: what it is told changes its version, and no ledger."""
    meta, status = owner.metadata, owner.status
    settled = status.compute_node_name or status.move
    return f"{meta.uid} {meta.resource_version if settled else f'generation {meta.generation}'}"
