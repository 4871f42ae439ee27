"""Which host CPUs a guest has to itself, and how many of its virtual CPUs share the others."""

from dataclasses import dataclass

from .domain_xml import Pinning


@dataclass(frozen=True)
class Share:
    """`cpus` of the dedicated set, each as much taken as any; `vcpus` run elsewhere."""

    vcpus: int
    cpus: frozenset[int]


def share(vcpus: int, pinning: Pinning, dedicated: frozenset[int]) -> Share:
    """A thread that is confined to dedicated CPUs takes all of them: one virtual CPU on four leaves none of the four.

    Emulator and I/O threads count too (Nova's isolated emulator has a CPU of its own). A thread that may also run
    elsewhere is no reason to give nobody else the CPU: else each guest without pins would take the whole set.
    """
    own = {number: cpus for number, cpus in pinning.vcpus.items() if number < vcpus}
    confined = [cpus for cpus in own.values() if _is_within(cpus, dedicated)]
    unpinned = vcpus - len(own)
    default, emulator = pinning.default or frozenset(), pinning.emulator or pinning.default or frozenset()
    threads = [*own.values(), *pinning.io_threads, emulator, *([default] if unpinned else [])]
    shared = len(own) - len(confined) + (0 if _is_within(default, dedicated) else unpinned)
    return Share(shared, frozenset().union(*(cpus for cpus in threads if _is_within(cpus, dedicated))))


def _is_within(cpus: frozenset[int], dedicated: frozenset[int]) -> bool:
    return bool(cpus) and cpus <= dedicated
