"""What nodes refuse: asked by each Instance that waits for one, counted once for all of them.

A node that many wait for is looked at by all of them whenever it changes; without this each look would count the whole
node again.
"""

from collections import OrderedDict
from collections.abc import Mapping

from hypertally.api.compute_node import ComputeNode
from hypertally.api.instance import Instance
from hypertally.ledger.places import Refusal
from hypertally.ledger.reconcile import Inputs, next_ledger

ByGuest = Mapping[str, tuple[Refusal, ...]]
_Key = tuple[str, str, frozenset[tuple[str, str]]]

_NODES_MAX = 128


class Refusals:
    """The last count of each of the nodes that were asked for last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[_Key, ByGuest]] = OrderedDict()

    def of(self, node: ComputeNode, owners: Mapping[str, Instance]) -> ByGuest:
        """By guest uuid; `owners` as for the node's next ledger."""
        name, key = node.metadata.name, _key(node, owners)
        known = self._known.pop(name, None)
        if known is None or known[0] != key:
            outcome = next_ledger(Inputs(node=node, owners=owners))
            known = (key, outcome.refusals if outcome else {})
        self._known[name] = known
        while len(self._known) > _NODES_MAX:
            self._known.popitem(last=False)
        return known[1]


def _key(node: ComputeNode, owners: Mapping[str, Instance]) -> _Key:
    """All that refusals depend on, by its versions."""
    meta = node.metadata
    return meta.uid, meta.resource_version, frozenset((o.metadata.uid, _version(o)) for o in owners.values())


def _version(owner: Instance) -> str:
    """Of one without a home only its spec matters: what it is told changes its version, and no ledger."""
    meta, status = owner.metadata, owner.status
    settled = status.compute_node_name or status.move
    return meta.resource_version if settled else f"generation {meta.generation}"
