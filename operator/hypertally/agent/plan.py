"""Whether the API server has to be told, and what: a pure decision.

What is compared is what the server last acknowledged, never what was last sent: a write whose answer was lost, an
edit by somebody else and a restart of this agent are then one and the same case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from hypertally.api.base import to_wire
from hypertally.api.carry import carry_unknown
from hypertally.api.compute_node import AGENT_CONDITIONS, Report, ReportContent
from hypertally.api.conditions import Condition
from hypertally.api.decode import MalformedObject, decode

from .verdicts import Verdict, conditions


@dataclass(frozen=True)
class Acknowledged:
    """The agent's part of a ComputeNode as the server last gave it back."""

    uid: str
    version: str
    spec: Mapping[str, Any]
    report: Mapping[str, Any] | None
    conditions: tuple[Condition, ...]
    content: ReportContent | None
    """What `report` says; None if there is none or if this version cannot read it."""

    @classmethod
    def read(cls, node: Mapping[str, Any]) -> Self:
        status = node.get("status") or {}
        report = status.get("report")
        return cls(
            uid=node["metadata"]["uid"],
            version=node["metadata"]["resourceVersion"],
            spec=node.get("spec") or {},
            report=report,
            conditions=_own(status.get("conditions") or ()),
            content=_content(report),
        )

    @property
    def generation(self) -> int:
        """0 before the first report."""
        return int((self.report or {}).get("generation", 0))

    @property
    def is_cut(self) -> bool:
        """The server dropped a part of what was sent: its CRDs are older than this agent."""
        return self.content != _content(self.report)

    def knowing(self, before: "Acknowledged | None") -> "Acknowledged":
        """An older CRD drops fields that it does not know. As long as the server holds the same report, what was sent
        counts as said: else each audit would send it again."""
        if before is None or before.report is None or before.report != self.report:
            return self
        return replace(self, content=before.content)


@dataclass(frozen=True)
class Wanted:
    """What the ComputeNode should say. Without content the standing report stays: the last that is known."""

    content: ReportContent | None
    verdicts: Sequence[Verdict]


@dataclass(frozen=True)
class ReportWrite:
    """One server-side apply to the status: everything that the agent owns there."""

    status: Mapping[str, Any]
    content: ReportContent | None
    generation: int


def plan_report(acknowledged: Acknowledged, wanted: Wanted, now: str) -> ReportWrite | None:
    """The write that makes the one the other, or None. `now` (RFC 3339) dates conditions that change."""
    content = wanted.content or acknowledged.content
    new_conditions = conditions(acknowledged.conditions, wanted.verdicts, now)
    report, generation = acknowledged.report, acknowledged.generation
    if wanted.content is not None and wanted.content != acknowledged.content:
        generation += 1
        report = _numbered(acknowledged.report, wanted.content, generation)
    if report is acknowledged.report and new_conditions == acknowledged.conditions:
        return None
    status: dict[str, Any] = {"conditions": [to_wire(condition) for condition in new_conditions]}
    return ReportWrite(status | ({"report": report} if report is not None else {}), content, generation)


def _numbered(old: Mapping[str, Any] | None, content: ReportContent, generation: int) -> dict[str, Any]:
    return carry_unknown(old, {**to_wire(content), "generation": generation}, Report)


def _content(report: Mapping[str, Any] | None) -> ReportContent | None:
    try:
        return None if report is None else decode(report, ReportContent)
    except MalformedObject:
        return None


def _own(raw: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    """In the order of AGENT_CONDITIONS; one that cannot be read is written anew."""
    found = {item.get("type"): item for item in raw}
    return tuple(c for type_ in AGENT_CONDITIONS if (c := _condition(found.get(type_))) is not None)


def _condition(raw: Mapping[str, Any] | None) -> Condition | None:
    try:
        return None if raw is None else decode(raw, Condition)
    except MalformedObject:
        return None
