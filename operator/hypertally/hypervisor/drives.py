"""Virtual sizes of a guest's disks, from the bulk record, and from its XML where the record is silent."""

from collections.abc import Iterator, Mapping

from .domain_xml import Domain

_BYTES_PER_MIB = 1024 * 1024
_ANSWERED_BY_QEMU = "rd.reqs"
"""Present if QEMU itself was asked about the drive; then no capacity means that no medium is in it."""


def unanswered(stats: Mapping[str, int | str]) -> bool:
    """Whether QEMU was not asked about some drive; of a running guest that means that it was busy."""
    return any(not _is_answered(stats, drive) for drive in _drives(stats))


def known_mib(stats: Mapping[str, int | str]) -> int:
    """Sum of the sizes that are told, rounded up as a whole: what is charged is never too low."""
    told = sum(_number(stats.get(f"{drive}.capacity")) for drive in _drives(stats))
    return -(-told // _BYTES_PER_MIB)


def unknown(stats: Mapping[str, int | str], domain: Domain | None) -> list[str]:
    """Target names of the drives that hold something of unknown size, sorted."""
    if "block.count" not in stats:
        return sorted(_with_medium(domain))
    silent = [drive for drive in _drives(stats) if not _is_answered(stats, drive)]
    return sorted(_name(stats, drive) for drive in silent if not _is_empty(stats, drive, domain))


def _is_empty(stats: Mapping[str, int | str], drive: str, domain: Domain | None) -> bool:
    """Whether no medium is in a drive that QEMU was not asked about; only the XML can tell."""
    return _is_nameless(stats, drive) and domain is not None and _name(stats, drive) not in _with_medium(domain)


def _name(stats: Mapping[str, int | str], drive: str) -> str:
    return str(stats.get(f"{drive}.name", "?"))


def _drives(stats: Mapping[str, int | str]) -> Iterator[str]:
    # However many it claims: each drive has at least one key of its own.
    count = min(_number(stats.get("block.count")), len(stats))
    return (f"block.{number}" for number in range(count) if f"block.{number}.name" in stats)


def _is_nameless(stats: Mapping[str, int | str], drive: str) -> bool:
    return not _is_answered(stats, drive) and f"{drive}.path" not in stats


def _is_answered(stats: Mapping[str, int | str], drive: str) -> bool:
    return f"{drive}.capacity" in stats or f"{drive}.{_ANSWERED_BY_QEMU}" in stats


def _with_medium(domain: Domain | None) -> set[str]:
    """Targets of the drives that have a source: a disk always, a CD-ROM or floppy drive while a medium is in it."""
    return {disk.target for disk in domain.disks if disk.has_medium} if domain else set()


def _number(value: int | str | None) -> int:
    return value if isinstance(value, int) and value > 0 else 0
