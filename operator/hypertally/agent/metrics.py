"""What the agent counts. Names are an interface: dashboards and alerts are built on them."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hypertally.serving.process_metrics import describe_process

from .usage_metrics import UsageCollector

_AUDIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_NODE = ("compute_node",)


class AgentMetrics:
    """One instance a program, on a registry of its own."""

    def __init__(self, most_guests: int = 500) -> None:
        self.registry = CollectorRegistry()
        describe_process("agent", self.registry)
        self.usage = UsageCollector(most_guests)
        self.registry.register(self.usage)
        self.audit_seconds = self._histogram("audit_duration_seconds", "Time from the start of an audit to its result.")
        self.audits = self._counter("audits", "Audits by result: complete, incomplete, blind, lost.", "result")
        self.lateness = self._gauge("audit_lateness_seconds", "How late the last audit began.")
        self.problems = self._gauge(
            "inventory_problems", "Parts of the report that the last audit could not read; 1 if it could read none."
        )
        self.connected = self._gauge("libvirt_connected", "1 if the last audit reached libvirt, else 0.")
        self.generation = self._gauge("report_generation", "Generation of the report that the API server holds.")
        self.writes = self._counter("status_writes", "Publications by result: written, unchanged, failed.", "result")
        self.renewals = Counter(
            "hypertally_agent_lease_renewals", "Renewals of the Lease that succeeded.", registry=self.registry
        )
        self.renew_failures = Counter(
            "hypertally_agent_lease_renew_failures", "Renewals of the Lease that failed.", registry=self.registry
        )

    def watch_ready(self, is_ready: Callable[[], bool]) -> None:
        """Asked at each scrape."""
        Gauge("hypertally_agent_ready", "1 if /readyz says so, else 0.", registry=self.registry).set_function(is_ready)

    def watch_hanging(self, count: Callable[[], int]) -> None:
        """Asked at each scrape."""
        Gauge(
            "hypertally_agent_hanging_calls",
            "Calls to libvirt that were left behind and have not come back.",
            registry=self.registry,
        ).set_function(count)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"hypertally_agent_{name}", text, (*_NODE, *labels), registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"hypertally_agent_{name}", text, _NODE, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"hypertally_agent_{name}", text, _NODE, registry=self.registry, buckets=_AUDIT_BUCKETS)
