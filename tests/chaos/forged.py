"""Objects as an API server would store them, for checkers that have to find what is wrong with them."""

from collections.abc import Mapping, Sequence

from .client import Object
from .seen import Guests, Size, Snapshot

HOST, GHOST = "hv1", "ghost-1"
UUID, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SMALL: Size = {"vcpus": 1, "pcpus": 0, "memoryMiB": 64, "diskMiB": 0}
CAPACITY = {"vcpus": 8, "pcpus": 8, "memoryMiB": 1000, "diskMiB": 1000}


def claim(uuid: str = UUID, role: str = "Running", **more: object) -> Object:
    return {"uuid": uuid, "role": role, "instanceUID": f"uid-{uuid[0]}", "resources": dict(SMALL), **more}


def listed(uuid: str = UUID) -> Object:
    return {"uuid": uuid, "name": "guest", "state": "Running", **SMALL}


def node(
    name: str = HOST,
    *,
    claims: Sequence[Object] = (),
    guests: Sequence[Object] = (),
    generation: int = 1,
    report: int = 1,
    version: int = 10,
    uid: str = "record",
) -> Object:
    """Its sums are those of claims and guests, each counted once."""
    uuids = {c["uuid"] for c in claims} | {g["uuid"] for g in guests}
    total = {key: value * len(uuids) for key, value in SMALL.items()}
    ledger = {
        "generation": generation,
        "observedReportGeneration": report,
        "claims": list(claims),
        "allocatable": CAPACITY,
        "allocated": total,
        "free": {key: CAPACITY[key] - total[key] for key in CAPACITY},
    }
    conditions = [{"type": "Ready", "status": "True"}]
    reported = {"generation": report, "capacity": CAPACITY, "measured": {"memoryMiB": 100}, "guests": list(guests)}
    return {
        "metadata": {"name": name, "uid": uid, "resourceVersion": str(version)},
        "spec": {"nodeName": name},
        "status": {"ledger": ledger, "report": reported, "conditions": conditions},
    }


def instance(uuid: str = UUID, home: str = HOST, bound: str = HOST) -> Object:
    status: Object = {"resources": dict(SMALL)} | ({"computeNodeName": home} if home else {})
    return {
        "metadata": {"name": "web", "uid": f"uid-{uuid[0]}", "resourceVersion": "5", "generation": 1},
        "spec": {"uuid": uuid, "computeNodeName": bound},
        "status": status,
    }


def migration(target: str, *, over: bool) -> Object:
    done = {"type": "Completed", "status": "True" if over else "False"}
    metadata = {"name": "move", "resourceVersion": "6"}
    return {"metadata": metadata, "spec": {"targetComputeNodeName": target}, "status": {"conditions": [done]}}


def snapshot(*objects: Object, at: float = 0.0, machines: Sequence[str] = ()) -> Snapshot:
    """Each object among those of its kind."""
    kinds: Mapping[str, dict[str, Object]] = {"nodes": {}, "instances": {}, "migrations": {}}
    for each in objects:
        kind = "nodes" if "nodeName" in each["spec"] else "instances" if "uuid" in each["spec"] else "migrations"
        kinds[kind][each["metadata"]["name"]] = each
    return Snapshot(at, 10, **kinds, machines=frozenset(machines))


def there(*uuids: str, size: Size = SMALL) -> dict[str, Guests | None]:
    return {HOST: Guests(dict.fromkeys(uuids, size), frozenset(uuids))}
