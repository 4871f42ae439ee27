"""Writes docs/reference/metrics.md from the programs' registries: `python hack/gen_metrics_reference.py [--check]`."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry

from hypertally.agent.metrics import AgentMetrics
from hypertally.agent.usage_metrics import labels
from hypertally.controller import counts
from hypertally.controller.controller import Controller
from hypertally.controller.settings import Settings
from reference_page import REFERENCE, Page, code, table

if TYPE_CHECKING:
    from hypertally.kube.aio import AsyncKubeClient

_INTRODUCTION = """\
# Metrics reference

<!-- Made from the programs' registries by hack/gen_metrics_reference.py: change it there. -->

Both programs serve the Prometheus text format at `/metrics` of `--listen`. Names and labels are an interface.
A histogram has the usual series `_bucket`, `_sum` and `_count`; counters and histograms have `_created` as well. What
begins with `process_` is of the program itself, as all clients of Prometheus name it. The label `compute_node` is the
ComputeNode's name; `kind` is the kind of the object that was looked at.

What hosts and guests use is what the last audit saw: a scrape asks libvirt nothing, so these change with the audits,
and what an audit did not tell is absent. Only guests that run or are paused have series. Those beyond
`--metrics-guests` share the series whose `uuid` is `others`, which falls when one of them ends. A guest's counters
begin anew with its start.

What the controller counts over the fleet is what the last ledgers and conditions say; these have as many series as
there are kinds of things, however large the fleet is. The label `stage` is where an amount stands: `capacity` and
`measured` by the reports, `allocatable`, `allocated` and `free` by the ledgers; `free` is signed, so a host that is
overcommitted lessens the sum of all.

`hypertally_node_instances` has a series for each ComputeNode and namespace, so it is off unless `--metrics-namespaces`
names a number: the largest so many namespaces of each ComputeNode have series of their own, and the others share the
one whose `namespace` is `(others)`. That is at most that number plus one for each ComputeNode, and never more than the
320 claims of a ledger.
"""

_HEAD = ("Metric", "Type", "Labels", "Meaning")


def registries() -> dict[str, CollectorRegistry]:
    """By program, with everything that it registers at its start."""
    agent = AgentMetrics()
    agent.watch_hanging(lambda: 0)
    agent.watch_ready(lambda: False)
    nobody = cast("AsyncKubeClient", None)  # a controller that is not started asks nobody anything
    return {
        "hypertally-agent": agent.registry,
        "hypertally-controller": Controller(nobody, Settings()).metrics.registry,
    }


def text() -> str:
    sections = (f"## {program}\n\n{table(_HEAD, _rows(registry))}" for program, registry in registries().items())
    return "\n".join([_INTRODUCTION, *sections])


def _rows(registry: CollectorRegistry) -> Iterator[Sequence[str]]:
    # The public collect() gives families, which do not know the names of their labels.
    for collector in vars(registry)["_collector_to_names"]:
        for family in collector.collect():
            names = getattr(collector, "_labelnames", ()) or USAGE_LABELS.get(family.name, ())
            name = family.name + _SUFFIX.get(family.type, "")
            yield code(name), family.type, ", ".join(map(code, names)), family.documentation


_SUFFIX = {"counter": "_total", "info": "_info"}
USAGE_LABELS = labels() | counts.labels()


PAGE = Page(REFERENCE / "metrics.md", "gen_metrics_reference.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
