"""Which CPUs the host offers to guests, and what kind of CPU they are."""

from dataclasses import dataclass

from hypertally.api.inventory import Cpu, CpuTopology

from .capabilities import Capabilities, HostCpu, read_features
from .cpu_set import CPU_MAX, format_cpu_set
from .facts import CpuMap, Part, Problem, Snapshot, Unread
from .xml import UnreadableXml, parse

_NEVER_EXPANDED = ("aarch64",)
"""libvirt has no list of features to expand there: Nova leaves them alone, too."""


@dataclass(frozen=True)
class OfferedCpus:
    """`shared` carry vcpus, `dedicated` pcpus; no CPU is both."""

    shared: frozenset[int]
    dedicated: frozenset[int]
    problems: tuple[Problem, ...] = ()


def offered_cpus(snapshot: Snapshot) -> OfferedCpus | Unread:
    """Nova's rule of the two sets, but for a CPU that is off: it is left out and named, and the rest stays offered."""
    cpus = _cpu_map(snapshot)
    if isinstance(cpus, Unread):
        return cpus
    shared, dedicated = snapshot.settings.cpu_shared_set, snapshot.settings.cpu_dedicated_set
    if shared is None:
        shared = frozenset() if dedicated else cpus.online
    there = cpus.online | frozenset(range(cpus.present)) if snapshot.settings.cpu_power_management else cpus.online
    wanted = dedicated or frozenset()
    problems = (*_absent("vcpus", "shared", shared, cpus.online), *_absent("pcpus", "dedicated", wanted, there))
    return OfferedCpus(shared & cpus.online, wanted & there, problems)


def _absent(amount: str, name: str, wanted: frozenset[int], there: frozenset[int]) -> tuple[Problem, ...]:
    if wanted <= there:
        return ()
    absent, whole = format_cpu_set(wanted - there), format_cpu_set(wanted)
    return (Problem(f"capacity {amount}", f"CPUs {absent} of the {name} set {whole} are not online"),)


def _cpu_map(snapshot: Snapshot) -> CpuMap | Unread:
    # The test driver's CPU map is a fixed answer (3 of 8) that has nothing to do with the host it describes.
    if snapshot.cpu_map is None or snapshot.driver == "TEST":
        if isinstance(snapshot.node, Unread):
            return snapshot.node
        count = min(snapshot.node.cpus, CPU_MAX + 1)
        return CpuMap(count, frozenset(range(count)))
    return snapshot.cpu_map


def to_be_expanded(capabilities: Capabilities | Unread) -> str | None:
    """The document to ask the hypervisor's baseline for, where there is any."""
    cpu = None if isinstance(capabilities, Unread) else capabilities.cpu
    if not isinstance(cpu, HostCpu) or not cpu.model or cpu.arch in _NEVER_EXPANDED:
        return None
    return cpu.document


def host_cpu(snapshot: Snapshot, last: Cpu | None) -> Part[Cpu | None]:
    """None where libvirt tells none. Of `last` only the features stand in, where no more than these are unknown."""
    capabilities = snapshot.capabilities
    if isinstance(capabilities, Unread):
        return Part(capabilities)
    cpu = capabilities.cpu
    if not isinstance(cpu, HostCpu):
        return Part(cpu)
    features, problems = _features(snapshot, cpu, last)
    cells = 1 if isinstance(capabilities.cells, Unread) else max(1, len(capabilities.cells))
    told = Cpu(arch=cpu.arch, model=cpu.model, vendor=cpu.vendor, topology=_topology(cpu, cells), features=features)
    return Part(told, problems)


def _topology(cpu: HostCpu, cells: int) -> CpuTopology | None:
    shape = cpu.topology
    if shape is None:
        return None
    return CpuTopology(cells=cells, sockets=shape.sockets, cores=shape.cores, threads=shape.threads)


def _features(snapshot: Snapshot, cpu: HostCpu, last: Cpu | None) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """All that the CPU has, where the hypervisor can tell; else those beyond its model, which is all that is known."""
    beyond = tuple(sorted(cpu.features))
    if snapshot.cpu_baseline is None:
        return beyond, ()
    every = _expanded(snapshot.cpu_baseline)
    if isinstance(every, Unread):
        return last.features if last and last.model == cpu.model else beyond, (Problem("cpu features", every.reason),)
    return tuple(sorted(every)), ()


def _expanded(baseline: str | Unread) -> frozenset[str] | Unread:
    if isinstance(baseline, Unread):
        return baseline
    try:
        return read_features(parse(baseline))
    except UnreadableXml as error:
        return Unread(str(error))
