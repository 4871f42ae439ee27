"""Which dedicated CPUs of a cell a guest cell gets, by thread policy.

Differs from Nova: Require fills cores of different free width together, where Nova takes the same number of threads of
each and so refuses guests that there is room for. Isolate looks at each core: single threads of a host that also has
cores with several are good enough. A core with several is isolated on legacy cells only, as in Nova: elsewhere its idle
threads would be held in the cell and free in the amounts.
"""

from collections.abc import Sequence
from itertools import islice

from hypertally.api.placement import ThreadPolicy

from . import cpu_set
from .numa_cells import HostCell


def takeable(cell: HostCell, free: int, policy: ThreadPolicy | None) -> tuple[int, ...]:
    """The `free` CPUs that may be taken, core by core; for Isolate each is one vcpu's, for others each CPU is."""
    cores = cell.cores()
    there = (core & free for core in cores)
    match policy:
        case ThreadPolicy.ISOLATE:
            whole = (core for core in cores if not core & ~free)
            return tuple(core for core in whole if cell.legacy or core.bit_count() == 1)
        case ThreadPolicy.REQUIRE:
            return tuple(rest for rest in there if rest.bit_count() > 1)
        case _:
            return tuple(filter(None, there))


def room_for(cores: Sequence[int], policy: ThreadPolicy | None) -> int:
    """How many vcpus there is room for."""
    return len(cores) if policy is ThreadPolicy.ISOLATE else sum(map(int.bit_count, cores))


def take(cores: Sequence[int], count: int, policy: ThreadPolicy | None) -> int:
    """The CPUs to hold for `count` vcpus, of which there must be room for so many.

    Isolate holds whole cores and its vcpus run on the first thread of each. The others take the emptiest cores first.
    """
    if policy is ThreadPolicy.ISOLATE:
        return sum(cores[:count])
    emptiest = sorted(cores, key=int.bit_count, reverse=True)
    return sum(islice((cpu for core in emptiest for cpu in cpu_set.single(core)), count))
