"""Sets of CPUs as integers: bit n is CPU n. The API writes them `0-3,8`, and empty for none."""

from collections.abc import Iterator

CPU_MAX = 16383
"""libvirt's bound of a CPU number (VIR_DOMAIN_CPUMASK_LEN); beyond it a typo in a ledger would cost gigabytes."""


class UnreadableCpuSet(ValueError):
    """The text is none that the API writes."""


def parse(text: str) -> int:
    """Raises UnreadableCpuSet."""
    cpus = 0
    for item in text.split(",") if text else ():
        first, dash, last = item.partition("-")
        low = _number(first, text)
        high = _number(last, text) if dash else low
        if low > high:
            raise UnreadableCpuSet(f"{text[:80]!r} is no CPU set such as 0-3,8: the range {item} runs backwards")
        cpus |= (1 << high + 1) - (1 << low)
    return cpus


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
    while cpus:
        lowest = cpus & -cpus
        yield lowest
        cpus ^= lowest


def lowest(cpus: int, count: int) -> int:
    """The `count` CPUs with the lowest numbers; all, if there are no more."""
    taken = 0
    for each, _ in zip(single(cpus), range(count), strict=False):
        taken |= each
    return taken


def _runs(cpus: int) -> Iterator[tuple[int, int]]:
    start = 0
    while cpus:
        zeros = (cpus & -cpus).bit_length() - 1
        start, cpus = start + zeros, cpus >> zeros
        ones = (~cpus & cpus + 1).bit_length() - 1
        yield start, start + ones - 1
        start, cpus = start + ones, cpus >> ones


def _number(digits: str, text: str) -> int:
    # Not isdigit() alone, which is true of other scripts' digits and of ².
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(CPU_MAX)) or int(digits) > CPU_MAX:
        raise UnreadableCpuSet(f"{text[:80]!r} is no CPU set such as 0-3,8: {digits[:20]!r} is no CPU number")
    return int(digits)
