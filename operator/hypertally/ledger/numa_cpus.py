"""Which dedicated CPUs of a cell a guest cell gets, by thread policy.

Differs from Nova: Require fills cores of different free width together, where Nova takes the same number of threads of
each and so refuses guests that there is room for. Isolate looks at each core: single threads of a host that also has
cores with several are good enough. A core with several is isolated on legacy cells only, as in Nova: elsewhere its idle
threads would be held in the cell and free in the amounts.
"""

from hypertally.api.placement import ThreadPolicy

from . import cpu_set
from .numa_cells import HostCell


def takeable(cell: HostCell, free: int, policy: ThreadPolicy | None) -> int:
    """For how many vcpus there is room among the `free` CPUs."""
    groups = _groups(cell, free, policy)
    return len(groups) if policy is ThreadPolicy.ISOLATE else sum(group.bit_count() for group in groups)


def take(cell: HostCell, free: int, count: int, policy: ThreadPolicy | None) -> int:
    """The CPUs to hold for `count` vcpus, of which there must be room for so many.

    Isolate holds whole cores and its vcpus run on the first thread of each. The others take the emptiest cores first.
    """
    groups = _groups(cell, free, policy)
    if policy is ThreadPolicy.ISOLATE:
        return sum(groups[:count])
    taken = 0
    for group in sorted(groups, key=int.bit_count, reverse=True):
        taken |= cpu_set.lowest(group, count - taken.bit_count())
    return taken


def _groups(cell: HostCell, free: int, policy: ThreadPolicy | None) -> list[int]:
    """Free threads that may be taken, core by core."""
    cores = ((core, core & free) for core in cell.cores)
    match policy:
        case ThreadPolicy.ISOLATE:
            return [core for core, there in cores if core == there and (cell.legacy or core.bit_count() == 1)]
        case ThreadPolicy.REQUIRE:
            return [there for _, there in cores if there.bit_count() > 1]
        case _:
            return [there for _, there in cores if there]
