"""Writes docs/reference/events.md: `python hack/gen_events_reference.py [--check]`.

Every transition that docs/reference/conditions.md allows is put to the function that decides which are told.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import product

from msgspec.structs import replace

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import AGENT_CONDITIONS, ComputeNode, ComputeNodeSpec
from hypertally.api.conditions import Condition, Status
from hypertally.api.instance import Instance, InstanceResources, InstanceSpec, InstanceStatus, Move, MovePhase, MoveType
from hypertally.api.meta import ObjectMeta
from hypertally.api.migration import Migration, MigrationSpec
from hypertally.controller.news import Kind, KindStatus, News, collected, news
from reference_page import REFERENCE, Page, code, table

_INTRODUCTION = """\
# Events reference

<!-- Made from conditions.md and the code by hack/gen_events_reference.py: change it there. -->

The controller tells transitions as Kubernetes Events: `kubectl describe` shows them below the conditions. Those of a
ComputeNode, which has no namespace, are in the namespace `default`:

```sh
kubectl get events --namespace default --field-selector involvedObject.kind=ComputeNode
```

A Warning is what somebody should look at. An Event is told once, at best: a controller that is killed in between tells
nothing. A hundred are told at once and twenty a second after that, with the time at which they happened; while a
thousand wait, the next are dropped. Warnings go first. API servers forget them after an hour by default.
[Conditions](conditions.md) are the truth, and say what each reason means and what to do about it.

The agent tells no Events: what it finds are its conditions, and `Ready` repeats them.
"""

_HEAD = ("Reason", "Type", "Told when")

Row = tuple[str, str, str]


def text() -> str:
    sections = (f"## {kind}\n\n{table(_HEAD, _rows(kind))}" for kind in _BARE)
    return "\n".join([_INTRODUCTION, *sections])


def _rows(kind: str) -> list[Row]:
    of_conditions = (row for type_, reasons in _documented(kind).items() for row in _of_condition(kind, type_, reasons))
    return sorted({*of_conditions, *_BESIDE.get(kind, ())})


def _of_condition(kind: str, type_: str, reasons: Iterable[tuple[str, Status]]) -> Iterator[Row]:
    """Each state that the condition may come to, from each that it may have had."""
    if type_ in AGENT_CONDITIONS:
        return
    states = [Condition(type=type_, status=status, reason=reason) for reason, status in reasons]
    for before, after in product([None, *states], states):
        for told in _told(kind, before, after):
            why = " for this reason" if told.reason == after.reason else ""
            yield _row(told, f"{code(type_)} becomes {after.status}{why}.")


def _told(kind: str, before: Condition | None, after: Condition) -> Iterator[News]:
    bare = _BARE[kind]
    return news(replace(bare, status=_with(bare, before)), _with(bare, after))


def _with(bare: Kind, condition: Condition | None) -> KindStatus:
    return replace(bare.status, conditions=(condition,) if condition else ())


def _row(told: News, when: str) -> Row:
    return code(told.reason), "Warning" if told.warns else "Normal", when


def _documented(kind: str) -> dict[str, list[tuple[str, Status]]]:
    """By condition, the reasons and statuses that conditions.md has; every status where it leaves that open."""
    page = (REFERENCE / "conditions.md").read_text()
    section = page.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    found: dict[str, list[tuple[str, Status]]] = {}
    for part in section.split("\n### ")[1:]:
        rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| *(\w*) *\|", part, re.MULTILINE)
        found[part.partition("\n")[0]] = [
            (reason, status)
            for reasons, said in rows
            for reason in re.findall(r"\w+", reasons)
            for status in ([Status(said)] if said else [Status.TRUE, Status.UNKNOWN])
        ]
    return found


_META = ObjectMeta(name="n")
_NODE = ComputeNode(metadata=_META, spec=ComputeNodeSpec(hypervisor_hostname="n", host_uuid="u", node_name="n"))
_INSTANCE = Instance(metadata=_META, spec=InstanceSpec(uuid="u", resources=InstanceResources(vcpus=1, memory_mib=1)))
_MIGRATION = Migration(
    metadata=_META, spec=MigrationSpec(instance_name="i", type=MoveType.LIVE, target_compute_node_name="n")
)
_BARE: dict[str, Kind] = {"ComputeNode": _NODE, "Instance": _INSTANCE, "Migration": _MIGRATION}


def _moves() -> Iterator[Row]:
    here, there = InstanceStatus(compute_node_name="n"), InstanceStatus(compute_node_name="m")
    move = Move(
        type=MoveType.OBSERVED, phase=MovePhase.ACCEPTED, source="n", target="m",
        old_resources=Amounts(), new_resources=Amounts(),
    )  # fmt: skip
    for after, when in (
        (there, "It is accounted on another host than before."),
        (replace(here, move=move), "Another host lists its guest, and no Migration declares that."),
    ):
        yield from (_row(told, when) for told in news(replace(_INSTANCE, status=here), after))


_BESIDE = {
    "ComputeNode": [_row(collected(_NODE), "The record of a host that is gone was deleted.")],
    "Instance": list(_moves()),
}
"""What is told of something else than a condition."""

PAGE = Page(REFERENCE / "events.md", "gen_events_reference.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
