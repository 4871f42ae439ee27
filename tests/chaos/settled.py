"""What has not come to rest yet, once nothing is broken any more: told one by one."""

from collections.abc import Mapping

from tests.support.history import State
from tests.support.ledgers import unfinished

from .client import Object
from .ghosts import PREFIX
from .invariants import standing
from .seen import Guests, Snapshot
from .world import NODES, is_ready, says


def unsettled(snapshot: Snapshot, looks: Mapping[str, Guests | None], declared: Mapping[str, Object]) -> list[str]:
    absent = [name for name in NODES if not snapshot.nodes.get(name, {}).get("status", {}).get("report")]
    if absent:
        return [f"{absent} have no report"]
    complaints = [f"{name} is not Ready" for name in NODES if not is_ready(snapshot.nodes[name])]
    complaints += [f"Instance {name} is not there" for name in sorted(declared.keys() - snapshot.instances.keys())]
    complaints += unfinished(State(snapshot.version, _of_living(snapshot)))
    for host, guests in looks.items():
        complaints += _unlisted(host, snapshot.nodes[host], guests)
    return complaints + _haunted(snapshot)


def _of_living(snapshot: Snapshot) -> dict[tuple[str, str], Object]:
    """Without records of hosts that are gone, where nothing is ever proven."""
    found = {("computenodes", name): snapshot.nodes[name] for name in NODES}
    found |= {("instances", name): i for name, i in snapshot.instances.items() if not _is_on_ghost(i)}
    return found | {("migrations", name): move for name, move in snapshot.migrations.items()}


def _is_on_ghost(instance: Object) -> bool:
    return str(instance["spec"].get("computeNodeName", "")).startswith(PREFIX)


def _unlisted(host: str, node: Object, guests: Guests | None) -> list[str]:
    if guests is None:
        return [f"libvirt of {host} does not answer"]
    listed = {
        g["uuid"]: g["state"] in ("Running", "Paused", "Blocked") for g in node["status"]["report"].get("guests", [])
    }
    there = {uuid: uuid in guests.active for uuid in guests.sizes}
    return [] if listed == there else [f"{host} lists {listed}, libvirt has {there}"]


def _haunted(snapshot: Snapshot) -> list[str]:
    ghosts = {name: node for name, node in snapshot.nodes.items() if name.startswith(PREFIX)}
    free = [name for name, node in ghosts.items() if not standing(name, node, snapshot)]
    fresh = [name for name, node in ghosts.items() if name not in free and not says(node, "Vanished")]
    complaints = [f"nothing stands for {name}, and it is there" for name in free]
    return complaints + [f"{name} is not known to be gone yet" for name in fresh]
