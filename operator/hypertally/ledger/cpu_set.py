"""Sets of CPUs as integers: bit n is CPU n. The API writes them `0-3,8`, and empty for none."""

import re
from collections.abc import Iterator

CPU_MAX = 16383
"""libvirt's bound of a CPU number (VIR_DOMAIN_CPUMASK_LEN); beyond it a typo in a ledger would cost gigabytes."""

_RUN = re.compile("1+")
_FORM = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*")


class UnreadableCpuSet(ValueError):
    """The text is none that the API writes."""


def parse(text: str) -> int:
    """Raises UnreadableCpuSet."""
    if not text:
        return 0
    cpus = 0
    for first, last in _ranges(text):
        cpus |= (1 << last + 1) - (1 << first)
    if cpus >> CPU_MAX + 1:
        raise UnreadableCpuSet(f"{text[:80]!r} is no CPU set such as 0-3,8: CPU numbers go up to {CPU_MAX}")
    return cpus


def _ranges(text: str) -> Iterator[tuple[int, int]]:
    if not _FORM.fullmatch(text):
        raise UnreadableCpuSet(f"{text[:80]!r} is no CPU set such as 0-3,8")
    for item in text.split(","):
        first, dash, last = item.partition("-")
        low = int(first)
        high = int(last) if dash else low
        if low > high:
            raise UnreadableCpuSet(f"{text[:80]!r} is no CPU set such as 0-3,8: the range {item} runs backwards")
        yield low, high


def parse_or_none(text: str) -> int | None:
    try:
        return parse(text)
    except UnreadableCpuSet:
        return None


def form(cpus: int) -> str:
    """The same set gives the same text."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(cpus))


def single(cpus: int) -> Iterator[int]:
    """Each CPU as a set of its own, in the order of their numbers."""
    for _ in range(cpus.bit_count()):
        lowest = cpus & -cpus
        yield lowest
        cpus ^= lowest


def _runs(cpus: int) -> Iterator[tuple[int, int]]:
    for run in _RUN.finditer(f"{cpus:b}"[::-1]):
        yield run.start(), run.end() - 1
