"""Live reads: what a decision that lowers a charge, or moves an Instance, must be made on."""

from collections.abc import Iterable
from typing import TypeVar

from hypertally.api.compute_node import ComputeNode
from hypertally.api.decode import MalformedObject, decode
from hypertally.api.instance import Instance
from hypertally.api.migration import Migration
from hypertally.kube.aio import AsyncKubeClient, Object
from hypertally.kube.errors import NotFound, ServerError
from hypertally.kube.kinds import COMPUTE_NODE, INSTANCE, LEASE, MIGRATION, Kind, Ref
from hypertally.ledger.moves import is_closed
from hypertally.ledger.proof import AgentLook
from hypertally.ledger.wants import names

from .agents import read_lease

T = TypeVar("T", ComputeNode, Instance, Migration)


class LiveReads:
    """Each call is one GET from the API server, past every cache. None for what is not there.

    With `since`, of any version that is no older than that, and maybe from the server's cache: for whoever writes on
    condition that it is still so.
    """

    def __init__(self, client: AsyncKubeClient, lease_namespace: str) -> None:
        self._client = client
        self._lease_namespace = lease_namespace

    async def raw_node(self, name: str) -> Object | None:
        return await self._get(Ref(COMPUTE_NODE, name))

    async def node(self, name: str) -> ComputeNode | None:
        return await self._typed(COMPUTE_NODE, name, ComputeNode)

    async def raw_instance(self, key: str, since: str = "") -> Object | None:
        return await self._get(_ref(INSTANCE, key), since)

    async def instance(self, key: str) -> Instance | None:
        return await self._typed(INSTANCE, key, Instance)

    async def raw_migration(self, key: str) -> Object | None:
        return await self._get(_ref(MIGRATION, key))

    async def migration(self, key: str) -> Migration | None:
        return await self._typed(MIGRATION, key, Migration)

    async def look(self, node: ComputeNode) -> AgentLook | None:
        """What the Lease of the node's agent says of it: to be read after the node."""
        lease = await self._get(Ref(LEASE, node.spec.node_name, self._lease_namespace))
        return read_lease(lease).look(node.metadata.name) if lease else None

    async def granted_on(self, node: str) -> list[Instance]:
        """Every Instance whose home that node is."""
        listing = await self._client.list(INSTANCE, field_selector=f"status.computeNodeName={node}")
        return [decode(item, Instance) for item in listing.items]

    async def naming(self, node: str) -> list[str]:
        """Every Instance that is accounted on that node, or is bound to it and accounted nowhere. Of one that cannot be
        read it is not known: it counts."""
        found: set[str] = set()
        for field in ("spec", "status"):
            listing = await self._client.list(INSTANCE, field_selector=f"{field}.computeNodeName={node}")
            found |= {_key(item) for item in listing.items if _names(item, node)}
        return sorted(found)

    async def leading_to(self, node: str) -> list[str]:
        """Every Migration to that node that is not completed."""
        listing = await self._client.list(MIGRATION, field_selector=f"spec.targetComputeNodeName={node}")
        return sorted(_key(item) for item in listing.items if not _is_closed(item))

    async def accounted(self, keys: Iterable[str]) -> frozenset[str]:
        """The guest uuids of those of these Instances that have a home."""
        found = [await self.instance(key) for key in keys]
        return frozenset(one.spec.uuid for one in found if one is not None and one.status.compute_node_name)

    async def _typed(self, kind: Kind, key: str, type_: type[T]) -> T | None:
        obj = await self._get(_ref(kind, key))
        return decode(obj, type_) if obj is not None else None

    async def _get(self, ref: Ref, since: str = "") -> Object | None:
        try:
            return await self._client.get(ref, since)
        except NotFound:
            return None
        except ServerError:  # its cache is behind that version, or history is (a restored backup)
            if not since:
                raise
        return await self._get(ref)


def _key(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _names(obj: Object, node: str) -> bool:
    try:
        return node in names(decode(obj, Instance))
    except MalformedObject:
        return True


def _is_closed(obj: Object) -> bool:
    try:
        return is_closed(decode(obj, Migration))
    except MalformedObject:
        return False


def _ref(kind: Kind, key: str) -> Ref:
    namespace, _, name = key.rpartition("/")
    return Ref(kind, name, namespace)
