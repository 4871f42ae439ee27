"""The guests of a host: name, state and size of each, whatever else is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hypertally.api.compute_node import Guest, GuestState

from . import drives
from .cpu_set import parse_cpu_set
from .domain_xml import Domain, positive
from .facts import GuestFacts, Problem, Unread
from .holdings import Ground, holdings

_KIB_PER_MIB = 1024
_STATES = (
    GuestState.UNKNOWN,
    GuestState.RUNNING,
    GuestState.BLOCKED,
    GuestState.PAUSED,
    GuestState.SHUTDOWN,
    GuestState.SHUTOFF,
    GuestState.CRASHED,
    GuestState.PM_SUSPENDED,
)
"""By the number of virDomainState."""


@dataclass(frozen=True)
class Use:
    """What an active guest has right now; `vcpus` and `memory_mib` never exceed what it may have."""

    vcpus: int
    memory_mib: int
    cpus: frozenset[int] = frozenset()
    """Of the dedicated set, those that it has to itself."""


@dataclass(frozen=True)
class SeenGuest:
    """One guest for the report; `use` is None while it is off."""

    guest: Guest
    use: Use | None
    problems: tuple[Problem, ...] = ()


def is_told_by_xml_only(stats: Mapping[str, int | str]) -> bool:
    """Whether the bulk record leaves out the sizes. QEMU's has them, also of a guest that is off; the test driver's
    tells the state only."""
    return "vcpu.maximum" not in stats or "balloon.maximum" not in stats


def see_guests(facts: Iterable[GuestFacts], last: Mapping[str, Guest], ground: Ground) -> list[SeenGuest]:
    """One entry for each, by uuid. `last` is the last known guest by uuid: it stands in for what is unknown."""
    return [_see(fact, last.get(fact.uuid), ground) for fact in sorted(facts, key=lambda fact: fact.uuid)]


def _see(facts: GuestFacts, last: Guest | None, ground: Ground) -> SeenGuest:
    domain, reason = _domain(facts)
    vcpus = _vcpus(facts.stats, domain)
    memory = _memory_mib(facts.stats, domain)
    disks = drives.drives_at(ground.home, facts.stats, domain)
    missing = drives.unknown(disks) if ground.real_disks else []
    known_disk = drives.known_mib(disks)
    held = holdings(vcpus.most, domain, last, ground)
    guest = Guest(
        uuid=facts.uuid,
        name=facts.name,
        state=_state(facts.stats),
        memory_mib=memory.most or (last.memory_mib if last else 0),
        memory_current_mib=(memory.now or (last.memory_current_mib if last else 0)) if facts.active else 0,
        disk_mib=max(known_disk, last.disk_mib) if missing and last else known_disk,
        **held.fields,
    )
    sizes = {"vcpus": vcpus.most, "memory": memory.most}
    problems = [
        *_problems(facts, sizes, missing, reason),
        *(Problem(f"guest {facts.uuid}", f"{part} unknown ({why})") for part, why in held.unknown.items()),
    ]
    return SeenGuest(guest, _use(guest, vcpus.now, memory.now) if facts.active else None, tuple(problems))


def _use(guest: Guest, vcpus: int, memory_mib: int) -> Use:
    return Use(
        vcpus=min(vcpus or guest.vcpus, guest.vcpus),
        memory_mib=memory_mib or guest.memory_mib,
        cpus=parse_cpu_set(guest.pinned_cpus),
    )


def _problems(facts: GuestFacts, sizes: Mapping[str, int], missing: list[str], reason: str) -> Iterable[Problem]:
    part = f"guest {facts.uuid}"
    for name, size in sizes.items():
        if not size:
            yield Problem(part, f"{name} unknown{reason}")
    for disk in missing:
        yield Problem(part, f"size of disk {disk} unknown{reason}")
    if isinstance(facts.domain, Unread):
        yield Problem(part, f"{_ELSE} unknown{reason}")


_ELSE = "pinnedCPUs, cells, pageSizeKiB, pciAddresses and mdevUUIDs"
"""Only the XML tells them."""


def _domain(facts: GuestFacts) -> tuple[Domain | None, str]:
    """What the XML says, if it could be read; else why not, for the message."""
    if isinstance(facts.domain, Unread):
        return None, f" ({facts.domain.reason})"
    return facts.domain, ""


@dataclass(frozen=True)
class _Size:
    """0 is unknown: no guest has no CPU and no memory."""

    most: int
    now: int


def _vcpus(stats: Mapping[str, int | str], domain: Domain | None) -> _Size:
    if "vcpu.maximum" in stats:
        return _Size(_positive(stats["vcpu.maximum"]), _positive(stats.get("vcpu.current")))
    return _Size(domain.vcpus, domain.vcpus_now) if domain else _Size(0, 0)


def _memory_mib(stats: Mapping[str, int | str], domain: Domain | None) -> _Size:
    """Rounded up: what is charged is never too low."""
    if "balloon.maximum" in stats:
        most, now = _positive(stats["balloon.maximum"]) * 1024, _positive(stats.get("balloon.current")) * 1024
    else:
        most, now = (domain.memory_bytes, domain.memory_now_bytes) if domain else (0, 0)
    return _Size(_mib(most), _mib(now))


def _mib(size: int) -> int:
    return -(-size // (1024 * _KIB_PER_MIB))


def _positive(value: int | str | None) -> int:
    """The number, or 0 for what is none."""
    return max(0, value) if isinstance(value, int) else positive(value)


def _state(stats: Mapping[str, int | str]) -> GuestState:
    number = stats.get("state.state")
    return _STATES[number] if isinstance(number, int) and 0 <= number < len(_STATES) else GuestState.UNKNOWN
