"""What every program tells of its own process."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector


def describe_process(program: str, registry: CollectorRegistry) -> None:
    """`process_…`, as all clients of Prometheus name them, and the version as `hypertally_<program>_build_info`."""
    build = Gauge(f"hypertally_{program}_build_info", "1; the label is the version.", ["version"], registry=registry)
    build.labels(version("hypertally")).set(1)
    ProcessCollector(registry=registry)
