"""What the controller shows at /metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from hypertally.serving.process_metrics import describe_process

from .queue import Subject

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """What the program does begins with `hypertally_controller_`; no label has more values than there are kinds of
    things. What it counts comes with `counts`."""

    def __init__(self, counts: Collector | None = None) -> None:
        self.registry = CollectorRegistry()
        describe_process("controller", self.registry)
        if counts is not None:
            self.registry.register(counts)
        self._duration = Histogram(
            "hypertally_controller_reconcile_duration_seconds",
            "Time to look at one object and write what follows.",
            ["kind", "result"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._relists = Counter(
            "hypertally_controller_resyncs_total",
            "Full lists compared with the cache.",
            ["kind"],
            registry=self.registry,
        )

    def reconciled(self, subject: Subject, result: str, seconds: float) -> None:
        self._duration.labels(subject.value, result).observe(seconds)

    def resynced(self, kind: str) -> None:
        self._relists.labels(kind).inc()

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A figure that is asked for at each scrape."""
        gauge = Gauge(f"hypertally_controller_{name}", text, registry=self.registry)
        gauge.set_function(value)
