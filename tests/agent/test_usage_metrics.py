"""Hosts and guests as metrics: bounded in number, absent where unknown, and never a question to libvirt."""

import re

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from devhost import Host
from hypertally.agent.usage_metrics import UsageCollector
from hypertally.hypervisor.usage import GuestUsage, Usage

from .conftest import StartAgent, Watched


def shown(collector: UsageCollector) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def host(*uuids: str, seconds: float = 1.0) -> Usage:
    guests = tuple(GuestUsage(uuid, f"name of {uuid}", {"cpu_seconds": seconds}) for uuid in uuids)
    return Usage(cpu_seconds={"user": 3.5}, host={"memory_size_bytes": 1024.0}, guests=guests)


def own(collector: UsageCollector) -> set[str]:
    return set(re.findall(r'^hypertally_guest_info.*uuid="(.*?)"', "\n".join(shown(collector)), re.MULTILINE))


def test_a_guest_has_its_series_by_uuid_and_its_name_once() -> None:
    collector = UsageCollector(500)
    collector.hear("n1", host("a"))
    found = shown(collector)
    assert found['hypertally_guest_cpu_seconds_total{compute_node="n1",uuid="a"}'] == 1
    assert found['hypertally_guest_info{compute_node="n1",name="name of a",uuid="a"}'] == 1
    assert found['hypertally_host_cpu_seconds_total{compute_node="n1",mode="user"}'] == 3.5
    assert found['hypertally_host_memory_size_bytes{compute_node="n1"}'] == 1024
    assert [line for line in found if "name of a" in line] == [
        'hypertally_guest_info{compute_node="n1",name="name of a",uuid="a"}'
    ]


def test_guests_beyond_the_bound_are_summed_up() -> None:
    collector = UsageCollector(2)
    collector.hear("n1", host("a", "b", "c", "d"))
    found = shown(collector)
    assert own(collector) == {"a", "b"}
    assert found['hypertally_guest_cpu_seconds_total{compute_node="n1",uuid="others"}'] == 2
    assert found['hypertally_host_active_guests{compute_node="n1"}'] == 4
    assert found['hypertally_host_summed_guests{compute_node="n1"}'] == 2


def test_the_number_of_series_is_bounded_whatever_the_number_of_guests() -> None:
    collector = UsageCollector(10)
    collector.hear("n1", host(*(f"{number:04}" for number in range(20))))
    some = len(shown(collector))
    collector.hear("n1", host(*(f"{number:04}" for number in range(2000))))
    assert len(shown(collector)) == some


def test_a_bound_of_none_sums_all_up() -> None:
    collector = UsageCollector(0)
    collector.hear("n1", host("a", "b"))
    assert own(collector) == set()
    assert shown(collector)['hypertally_guest_cpu_seconds_total{compute_node="n1",uuid="others"}'] == 2


def test_a_newcomer_takes_no_guests_series_away() -> None:
    collector = UsageCollector(2)
    collector.hear("n1", host("m", "n"))
    collector.hear("n1", host("a", "m", "n"))
    assert own(collector) == {"m", "n"}
    collector.hear("n1", host("a", "n"))
    assert own(collector) == {"a", "n"}


def test_a_host_that_is_lost_shows_nothing_rather_than_old_numbers() -> None:
    collector = UsageCollector(2)
    collector.hear("n1", host("a"))
    collector.hear("n2", host("b"))
    collector.hear("n1", None)
    assert [line for line in shown(collector) if "n1" in line] == []
    assert own(collector) == {"b"}


def test_guests_that_are_unknown_are_not_none() -> None:
    collector = UsageCollector(2)
    collector.hear("n1", Usage(host={"memory_size_bytes": 1.0}))
    assert list(shown(collector)) == ['hypertally_host_memory_size_bytes{compute_node="n1"}']


def test_a_real_guest_is_measured_by_the_audits_and_by_no_scrape(
    watched: Watched, start_agent: StartAgent, host: Host
) -> None:
    uuid = host.start_guest("measured", disk_mib=8)
    agent = start_agent(watched, f"--connection={host.uri}", "--interval=-1")
    watched.wait_report()  # an audit is counted a moment before its measures are served
    audits = agent.metric("audits_total")
    assert agent.metric("audits_total", result="complete") >= 1
    first, second = agent.probe("/metrics")[1], agent.probe("/metrics")[1]
    nobody_looked = agent.metric("audits_total") == audits  # an event of the machine's devices wakes it as well
    host.destroy_guest("measured")
    host.undefine("measured")
    series = dict(line.rsplit(" ", 1) for line in first.splitlines() if f'uuid="{uuid}"' in line)
    label = f'{{compute_node="{watched.name}",uuid="{uuid}"}}'
    assert float(series[f"hypertally_guest_cpu_seconds_total{label}"]) > 0
    assert float(series[f"hypertally_guest_memory_bytes{label}"]) == 32 * 1024**2
    assert float(series[f"hypertally_guest_memory_resident_bytes{label}"]) > 1024**2
    assert f"hypertally_guest_block_read_bytes_total{label}" in series
    assert f'hypertally_host_cpu_seconds_total{{compute_node="{watched.name}",mode="idle"}}' in first
    if nobody_looked:
        of_usage = [line for line in first.splitlines() if line.startswith(("hypertally_host", "hypertally_guest"))]
        assert [line for line in second.splitlines() if line in of_usage] == of_usage
