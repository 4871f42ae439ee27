"""What the controller's program does beside its work, once, for whoever installs it: `verify` and `retire`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hypertally.api.compute_node import ComputeNode, NodeCondition
from hypertally.api.conditions import Status, find
from hypertally.api.decode import decode
from hypertally.kube.aio import AsyncKubeClient
from hypertally.kube.errors import Conflict, KindMissing, KubeError, NotFound, ServerError, TooManyRequests, Unreachable
from hypertally.kube.kinds import COMPUTE_NODE, DAEMON_SET, POD, Ref
from hypertally.serving.options import UsageError

from .settings import Settings

VERIFY_USAGE = "verify [the controller's flags]"
RETIRE_USAGE = "retire daemonset NAME [pod NAME] [the controller's flags]"
_POLL_SECONDS = 2.0
_VERIFY_SECONDS = 90.0
"""The README's `helm test` has two minutes, which count from before the Pod starts: this is to have its say in them."""

_DELETE_SECONDS = 30.0
_RETIRE_MARGIN_SECONDS = 60.0
"""Beyond the agents' grace: for their Pods to end, and for the controller to look and write."""

_TROUBLES = (Unreachable, ServerError, TooManyRequests)


@dataclass(frozen=True)
class Finding:
    """What an errand came to: lines for a person, and whether it is as it should be."""

    lines: Sequence[str]
    good: bool


@dataclass(frozen=True)
class Errand:
    flags: Sequence[str]
    run: Callable[[AsyncKubeClient, Settings], Awaitable[Finding]]


def errand(arguments: Sequence[str]) -> Errand | None:
    """None if it is neither. Raises UsageError."""
    match arguments:
        case ["verify", *flags]:
            return Errand(flags, verify)
        case ["retire", "daemonset", name, "pod", pod, *flags] if not any(each.startswith("-") for each in (name, pod)):
            return Errand(flags, lambda client, settings: retire(client, settings, name, pod))
        case ["retire", "daemonset", name, *flags] if not name.startswith("-") and flags[:1] != ["pod"]:
            return Errand(flags, lambda client, settings: retire(client, settings, name))
        case ["retire", *_]:
            raise UsageError(f"usage: hypertally-controller {RETIRE_USAGE}")
    return None


async def verify(client: AsyncKubeClient, _: Settings, seconds: float = _VERIFY_SECONDS) -> Finding:
    """Waits for a host, and until every host is looked after: its agent lives, libvirt answers, nothing is unread.
    Whether one is open for guests is its operator's matter."""

    async def look() -> Finding:
        nodes = await _nodes(client)
        if not nodes:
            return Finding(["There is no ComputeNode: no agent has reported a host yet."], good=False)
        troubles = {node.metadata.name: _trouble(node) for node in nodes}
        lines = [f"{name}: {trouble or 'looked after'}" for name, trouble in sorted(troubles.items())]
        return Finding(lines, good=not any(troubles.values()))

    return await _until(look, seconds)


async def retire(
    client: AsyncKubeClient, settings: Settings, name: str, pod: str = "", margin: float = _RETIRE_MARGIN_SECONDS
) -> Finding:
    """Ends the agents and waits until the controllers have told so on every ComputeNode. Good in any case: a host whose
    agent runs elsewhere is still looked after, and is named. The Pod goes, too, if there is one: that of `verify`,
    which nothing else removes."""
    await _delete(client, Ref(DAEMON_SET, name, settings.lease_namespace))

    async def look() -> Finding:
        try:
            nodes = await _nodes(client)
        except KindMissing:  # somebody was quicker and deleted the kinds, and with them every record
            nodes = []
        served = sorted(node.metadata.name for node in nodes if _ready(node) is not Status.UNKNOWN)
        return Finding([f"{node}: still looked after" for node in served], good=not served)

    found = await _until(look, settings.agent_grace + margin)
    lines = found.lines or ["Every ComputeNode says that nobody looks after it."]
    return Finding(
        [*lines, *(await _remains(client, Ref(POD, pod, settings.lease_namespace)) if pod else ())], good=True
    )


async def _until(look: Callable[[], Awaitable[Finding]], seconds: float) -> Finding:
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() > end
        try:
            if (found := await look()).good or late:
                return found
        except _TROUBLES:
            if late:
                raise
        await asyncio.sleep(_POLL_SECONDS)


async def _nodes(client: AsyncKubeClient) -> list[ComputeNode]:
    return [decode(item, ComputeNode) for item in (await client.list(COMPUTE_NODE)).items]


def _ready(node: ComputeNode) -> Status | None:
    found = find(node.status.conditions, NodeCondition.READY)
    return found.status if found else None


def _trouble(node: ComputeNode) -> str:
    """Empty when there is none."""
    for type_ in (NodeCondition.LIBVIRT_CONNECTED, NodeCondition.INVENTORY_COMPLETE):
        condition = find(node.status.conditions, type_)
        if condition is None or condition.status is not Status.TRUE:
            return f"{type_} is {condition.status}: {condition.message}" if condition else f"{type_} is not told yet"
    ready = find(node.status.conditions, NodeCondition.READY)
    if ready is None or ready.status is Status.UNKNOWN:
        return f"Ready is Unknown: {ready.message}" if ready else "Ready is not told yet"
    return ""


async def _remains(client: AsyncKubeClient, ref: Ref) -> list[str]:
    """Nothing if it is gone now. A Pod that has ended is no reason to hold up an uninstall."""
    try:
        await _delete(client, ref)
    except KubeError as error:
        return [f"The Pod {ref.name} stays: {error}"]
    return []


async def _delete(client: AsyncKubeClient, ref: Ref) -> None:
    """Whatever version it is of: its status changes all the time. Fine if it is gone."""
    end = time.monotonic() + _DELETE_SECONDS
    while True:
        try:
            metadata = (await client.get(ref))["metadata"]
            return await client.delete(ref, uid=metadata["uid"], resource_version=metadata["resourceVersion"])
        except NotFound:
            return None
        except (Conflict, *_TROUBLES):
            if time.monotonic() > end:
                raise
        await asyncio.sleep(_POLL_SECONDS)
