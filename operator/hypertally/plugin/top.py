"""`top`: how full the fleet is; of hosts that are named, every stage from capacity to free."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from hypertally.api.amounts import Amounts
from hypertally.api.base import Wire
from hypertally.api.conditions import Status
from hypertally.ledger.vectors import KEYS, WIRE_KEYS

from .tables import NONE, UNKNOWN, Row, age, part, size, table
from .usage import Sums, Usage, sums

_HEAD = (
    "NAME", "READY", "INSTANCES", "ORPHANS",
    "VCPUS", "VCPUS-FREE", "PCPUS", "PCPUS-FREE",
    "MEMORY", "MEMORY-FREE", "MEMORY-USED", "DISK", "DISK-FREE", "DISK-USED", "REMARKS",
)  # fmt: skip
_SIZES = frozenset({"memory_mib", "disk_mib"})


class Top(Wire, frozen=True, kw_only=True, omit_defaults=False):
    compute_nodes: tuple[Usage, ...]
    total: Sums

    @classmethod
    def of(cls, usages: Sequence[Usage]) -> "Top":
        return cls(compute_nodes=tuple(usages), total=sums(usages))


def fleet_table(top: Top) -> str:
    """A line for each host and one for all. VCPUS is allocated of allocatable, USED is measured of capacity."""
    if not top.compute_nodes:
        return "No ComputeNodes found."
    rows = [_host(each) for each in top.compute_nodes]
    every = top.total
    several = [("TOTAL", "", *_numbers(every), "")] if len(rows) > 1 else []
    return table(_HEAD, [*rows, *several])


def stages(usage: Usage, now: datetime) -> str:
    """A line for each amount."""
    since = f", for {age(usage.since, now)}" if usage.since else ""
    said = f"{usage.name}: Ready is {usage.ready} ({usage.reason or 'nobody has judged it yet'}{since})"
    remarks = [f"Look at: {', '.join(usage.remarks)}"] if usage.remarks else []
    return "\n".join([said, *remarks, "", stage_table(usage)])


def stage_table(usage: Usage) -> str:
    head = ("AMOUNT", "CAPACITY", "RESERVED", "RATIO", "ALLOCATABLE", "ALLOCATED", "FREE", "MEASURED")
    return table(head, _amounts(usage))


def _amounts(usage: Usage) -> Iterator[Row]:
    for key in KEYS:
        if key == "pcpus" and not _has_pcpus(usage):
            continue
        given = (usage.capacity, usage.reserved, usage.allocatable, usage.allocated, usage.free, usage.measured)
        capacity, kept, *rest = (_amount(key, amounts) for amounts in given)
        yield (WIRE_KEYS[key].removesuffix("MiB"), capacity, kept, f"{getattr(usage.ratios, key) / 1000:g}", *rest)


def _has_pcpus(usage: Usage) -> bool:
    return any(each is not None and each.pcpus for each in (usage.capacity, usage.allocatable, usage.allocated))


def _host(usage: Usage) -> Row:
    ready = usage.ready if usage.ready is Status.TRUE or not usage.reason else f"{usage.ready}:{usage.reason}"
    return (usage.name, ready, *_numbers(usage), ",".join(usage.remarks) or NONE)


def _numbers(of: Usage | Sums) -> Iterator[str]:
    yield from (_count(of.instances), _count(of.orphans))
    held, may, free = of.allocated, of.allocatable, of.free
    for key in ("vcpus", "pcpus"):
        if key == "pcpus" and not any(getattr(each, key) for each in (held, may) if each is not None):
            yield from (NONE, NONE)
        else:
            yield f"{_number(key, held)}/{_number(key, may)}" if held and may else UNKNOWN
            yield _amount(key, free)
    for key in ("memory_mib", "disk_mib"):
        yield part(_value(key, held), _value(key, may))
        yield _amount(key, free)
        yield part(_value(key, of.measured), _value(key, of.capacity))


def _amount(key: str, amounts: Amounts | None) -> str:
    return size(_value(key, amounts)) if key in _SIZES else _number(key, amounts)


def _number(key: str, amounts: Amounts | None) -> str:
    return _count(_value(key, amounts))


def _value(key: str, amounts: Amounts | None) -> int | None:
    return None if amounts is None else getattr(amounts, key)


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)
