"""CPUs: which ones carry vcpus, which ones pcpus, and what kind of CPU they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.inventory import Cpu, CpuTopology
from hypertally.hypervisor.cpu import OfferedCpus, host_cpu, offered_cpus, to_be_expanded
from hypertally.hypervisor.cpu_set import parse_cpu_set
from hypertally.hypervisor.facts import CpuMap, NodeInfo, Part, Problem, Snapshot, Unread
from hypertally.hypervisor.settings import AuditSettings
from tests.support.recordings import capabilities
from tests.support.snapshots import snapshot


def host(online: str, shared: str = "", dedicated: str = "", *, present: int = 8, managed: bool = False) -> Snapshot:
    settings = AuditSettings(
        cpu_shared_set=parse_cpu_set(shared) if shared else None,
        cpu_dedicated_set=parse_cpu_set(dedicated) if dedicated else None,
        cpu_power_management=managed,
    )
    return snapshot(cpu_map=CpuMap(present, parse_cpu_set(online)), settings=settings)


def offer(shared: str, dedicated: str, *problems: Problem) -> OfferedCpus:
    return OfferedCpus(parse_cpu_set(shared), parse_cpu_set(dedicated), problems)


@pytest.mark.parametrize(
    ("seen", "offered"),
    [
        pytest.param(host("0-3"), offer("0-3", ""), id="C1: without sets every online CPU is shared"),
        pytest.param(host("4-7", "4-5"), offer("4-5", ""), id="C2: a shared set alone"),
        pytest.param(host("4-7", "", "4-5"), offer("", "4-5"), id="C3: a dedicated set alone leaves no vcpus"),
        pytest.param(host("0-3", "", "2-3"), offer("", "2-3"), id="C4: a dedicated set"),
        pytest.param(host("0-7", "0-1", "2-7"), offer("0-1", "2-7"), id="both sets"),
        pytest.param(host("0-1", present=4), offer("0-1", ""), id="C7: a CPU that is present but off does not count"),
        pytest.param(
            host("0-1", "", "2-3", present=4, managed=True),
            offer("", "2-3"),
            id="C8: but with power management it does",
        ),
    ],
)
def test_novas_value_of_the_offered_cpus(seen: Snapshot, offered: OfferedCpus) -> None:
    assert offered_cpus(seen) == offered


@pytest.mark.parametrize(
    ("seen", "offered"),
    [
        pytest.param(
            host("4-5", "4-6"),
            offer("4-5", "", Problem("capacity vcpus", "CPUs 6 of the shared set 4-6 are not online")),
            id="C5: shared",
        ),
        pytest.param(
            host("4-5", "", "4-6"),
            offer("", "4-5", Problem("capacity pcpus", "CPUs 6 of the dedicated set 4-6 are not online")),
            id="C6: dedicated",
        ),
        pytest.param(
            host("0", "", "2-5", present=4, managed=True),
            offer("", "2-3", Problem("capacity pcpus", "CPUs 4-5 of the dedicated set 2-5 are not online")),
            id="power management brings back none that is not built in",
        ),
    ],
)
def test_by_design_a_cpu_that_is_off_is_left_out_and_named_where_nova_gives_up_the_audit(
    seen: Snapshot, offered: OfferedCpus
) -> None:
    assert offered_cpus(seen) == offered


CPUS = st.frozensets(st.integers(0, 15))


@given(CPUS, st.none() | CPUS, st.none() | CPUS)
def test_whatever_the_sets_only_cpus_that_are_on_are_offered_and_none_twice(
    online: frozenset[int], shared: frozenset[int] | None, dedicated: frozenset[int] | None
) -> None:
    both = AuditSettings(
        cpu_shared_set=shared, cpu_dedicated_set=None if dedicated is None else dedicated - (shared or frozenset())
    )
    offered = offered_cpus(snapshot(cpu_map=CpuMap(16, online), settings=both))
    assert isinstance(offered, OfferedCpus)
    assert offered.shared | offered.dedicated <= online
    assert not offered.shared & offered.dedicated


def test_a_driver_without_a_cpu_map_is_asked_for_its_cpus() -> None:
    assert offered_cpus(snapshot(cpu_map=None, node=NodeInfo(memory_mib=1, cpus=6))) == offer("0-5", "")


def test_the_test_drivers_canned_cpu_map_is_not_believed() -> None:
    canned = CpuMap(8, frozenset({0, 1, 2}))
    assert offered_cpus(snapshot(driver="TEST", cpu_map=canned, node=NodeInfo(1, 16))) == offer("0-15", "")


def test_a_cpu_map_that_cannot_be_read_is_unknown_and_not_guessed() -> None:
    assert offered_cpus(snapshot(cpu_map=Unread("no"))) == Unread("no")
    assert offered_cpus(snapshot(cpu_map=None, node=Unread("no"))) == Unread("no")


# What kind of CPU it is

BASELINE = """<cpu mode='custom' match='exact'><model fallback='forbid'>Cascadelake-Server</model>
<feature policy='require' name='vmx'/><feature policy='require' name='aes'/><feature policy='disable' name='hle'/>
<feature policy='require' name='fpu'/></cpu>"""


def cpu_of(name: str, last: Cpu | None = None, **changed: Any) -> Part[Cpu | None]:
    return host_cpu(snapshot(capabilities=capabilities(name), **changed), last)


def test_features_are_all_that_the_hypervisors_baseline_requires_sorted() -> None:
    assert cpu_of("intel-2-sockets-smt", cpu_baseline=BASELINE) == Part(
        Cpu(
            arch="x86_64",
            model="Cascadelake-Server",
            vendor="Intel",
            topology=CpuTopology(cells=2, sockets=1, cores=4, threads=2),
            features=("aes", "fpu", "vmx"),
        )
    )


@pytest.mark.parametrize(
    ("name", "arch", "vendor", "topology"),
    [
        ("amd-4-sockets", "x86_64", "AMD", CpuTopology(cells=4, sockets=1, cores=2, threads=1)),
        ("aarch64-64k-pages", "aarch64", "HiSilicon", CpuTopology(cells=2, sockets=1, cores=4, threads=1)),
        ("power-sparse-cells", "ppc64le", "IBM", CpuTopology(cells=2, sockets=1, cores=1, threads=8)),
        ("no-topology", "s390x", "", None),
        ("xen", "x86_64", "", None),
    ],
)
def test_every_kind_of_cpu_is_told(name: str, arch: str, vendor: str, topology: CpuTopology | None) -> None:
    told = cpu_of(name).value
    assert isinstance(told, Cpu)
    assert (told.arch, told.vendor, told.topology) == (arch, vendor, topology)


def test_dies_are_counted_into_the_cores_of_a_socket() -> None:
    told = cpu_of("amd-one-cell").value
    assert isinstance(told, Cpu)
    assert told.topology == CpuTopology(cells=1, sockets=2, cores=2, threads=2)


def test_where_the_hypervisor_has_no_baseline_the_features_are_those_beyond_the_model() -> None:
    told = cpu_of("amd-4-sockets", cpu_baseline=None)
    assert isinstance(told.value, Cpu)
    assert told.value.features == ("svm", "topoext", "wbnoinvd")
    assert told.problems == ()


@pytest.mark.parametrize("baseline", [Unread("busy"), "<cpu>"])
def test_a_baseline_that_cannot_be_read_leaves_the_last_known_features_of_that_model(baseline: str | Unread) -> None:
    last = cpu_of("intel-2-sockets-smt", cpu_baseline=BASELINE).value
    assert isinstance(last, Cpu)
    told = cpu_of("intel-2-sockets-smt", last, cpu_baseline=baseline)
    assert told.value == last
    assert [problem.part for problem in told.problems] == ["cpu features"]
    another = cpu_of("amd-4-sockets", last, cpu_baseline=baseline).value
    assert isinstance(another, Cpu)
    assert another.features == ("svm", "topoext", "wbnoinvd")


@pytest.mark.parametrize(
    ("name", "is_asked"),
    [("intel-2-sockets-smt", True), ("power-sparse-cells", True), ("aarch64-64k-pages", False), ("no-topology", False)],
)
def test_only_a_model_that_has_a_baseline_is_asked_for(name: str, is_asked: bool) -> None:
    seen = snapshot(capabilities=capabilities(name)).capabilities
    document = to_be_expanded(seen)
    assert (document is not None) is is_asked
    assert document is None or document.startswith("<cpu>")
    assert to_be_expanded(Unread("no")) is None


@pytest.mark.parametrize(
    "document",
    [
        "<cpu><arch>x86_64</arch><topology sockets='x' cores='1' threads='1'/></cpu>",
        "<cpu><arch>x</arch><topology/></cpu>",
    ],
)
def test_a_cpu_that_cannot_be_understood_is_unknown(document: str) -> None:
    told = host_cpu(snapshot(capabilities=f"<capabilities><host>{document}</host></capabilities>"), None)
    assert isinstance(told.value, Unread)


def test_capabilities_without_a_cpu_tell_none() -> None:
    assert host_cpu(snapshot(), None) == Part(None)
    assert host_cpu(snapshot(capabilities=Unread("no")), None) == Part(Unread("no"))
