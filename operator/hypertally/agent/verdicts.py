"""The agent's conditions: what one look says of them, and what becomes of those that stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypertally.api.bounds import fit_message
from hypertally.api.compute_node import AGENT_CONDITIONS, NodeCondition
from hypertally.api.conditions import Condition, Status, find

from .looks import Blind, Look, Lost, Seen

_NOT_YET = "libvirt has not answered since this agent serves the host"


@dataclass(frozen=True)
class Verdict:
    """A condition without its age."""

    type: NodeCondition
    status: Status
    reason: str
    message: str

    def agrees(self, condition: Condition) -> bool:
        said = (condition.status, condition.reason, condition.message)
        return said == (self.status, self.reason, self.message)


def verdicts(look: Look, uri: str) -> tuple[Verdict, ...]:
    """What the look says. On a type that it says nothing of, the last verdict stands."""
    said: tuple[Verdict, ...]
    match look:
        case Seen(problems=problems):
            said = (_connected(uri), _complete(problems))
        case Blind(reason=reason, message=message):
            said = (_connected(uri), _verdict(NodeCondition.INVENTORY_COMPLETE, Status.FALSE, reason, message))
        case Lost(reason=reason, message=message):
            said = (_verdict(NodeCondition.LIBVIRT_CONNECTED, Status.FALSE, reason, message),)
    return (*said, _verdict(NodeCondition.HYPERVISOR_SERVED, Status.TRUE, "Served", f"the agent serves it by {uri}"))


def conditions(standing: Sequence[Condition], said: Sequence[Verdict], now: str) -> tuple[Condition, ...]:
    """All conditions of the agent. An age begins anew only where the status changes."""
    verdict_of = {verdict.type: verdict for verdict in said}
    return tuple(
        _condition(find(tuple(standing), type_), verdict_of.get(type_), type_, now) for type_ in AGENT_CONDITIONS
    )


def _condition(standing: Condition | None, said: Verdict | None, type_: NodeCondition, now: str) -> Condition:
    if said is None:
        unknown = Condition(type=type_, status=Status.UNKNOWN, reason="NotAudited", message=_NOT_YET)
        return standing or _dated(unknown, now)
    if standing is not None and said.agrees(standing):
        return standing
    new = Condition(type=said.type, status=said.status, reason=said.reason, message=said.message)
    return _dated(new, standing.last_transition_time if standing and standing.status is said.status else now)


def _dated(condition: Condition, moment: str) -> Condition:
    return Condition(
        type=condition.type,
        status=condition.status,
        reason=condition.reason,
        message=condition.message,
        last_transition_time=moment,
    )


def _connected(uri: str) -> Verdict:
    return _verdict(NodeCondition.LIBVIRT_CONNECTED, Status.TRUE, "Connected", f"{uri} answers")


def _complete(problems: Sequence[str]) -> Verdict:
    if not problems:
        return _verdict(NodeCondition.INVENTORY_COMPLETE, Status.TRUE, "AllRead", "every part of the report was read")
    return _verdict(NodeCondition.INVENTORY_COMPLETE, Status.FALSE, "PartsUnknown", "; ".join(problems))


def _verdict(type_: NodeCondition, status: Status, reason: str, message: str) -> Verdict:
    return Verdict(type_, status, reason, fit_message(" ".join(message.split())))
