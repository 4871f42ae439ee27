"""Virtual sizes of a guest's disks, from the bulk record, and from its XML where the record is silent."""

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

_BYTES_PER_MIB = 1024 * 1024
_ANSWERED_BY_QEMU = "rd.reqs"
"""Present if QEMU itself was asked about the drive; then no capacity means that no medium is in it."""


def in_doubt(stats: Mapping[str, int | str]) -> bool:
    """Whether some drive may be an empty one or a network disk of a guest that is off: the record shows both alike."""
    return any(_is_nameless(stats, drive) for drive in _drives(stats))


def known_mib(stats: Mapping[str, int | str]) -> int:
    """Sum of the sizes that are told, rounded up as a whole: what is charged is never too low."""
    told = sum(_number(stats.get(f"{drive}.capacity")) for drive in _drives(stats))
    return -(-told // _BYTES_PER_MIB)


def unknown(stats: Mapping[str, int | str], document: Element | None) -> list[str]:
    """Target names of the drives that hold something of unknown size, sorted."""
    if "block.count" not in stats:
        return sorted(_with_medium(document))
    filled = _with_medium(document)
    names = []
    for drive in _drives(stats):
        name = str(stats.get(f"{drive}.name", "?"))
        if _is_nameless(stats, drive):
            doubtful = document is None or name in filled
        else:
            doubtful = f"{drive}.capacity" not in stats and f"{drive}.{_ANSWERED_BY_QEMU}" not in stats
        if doubtful:
            names.append(name)
    return sorted(names)


def _drives(stats: Mapping[str, int | str]) -> Iterator[str]:
    count = _number(stats.get("block.count"))
    return (f"block.{number}" for number in range(count) if f"block.{number}.name" in stats)


def _is_nameless(stats: Mapping[str, int | str], drive: str) -> bool:
    return not any(f"{drive}.{key}" in stats for key in ("capacity", "path", _ANSWERED_BY_QEMU))


def _with_medium(document: Element | None) -> set[str]:
    """Targets of the drives that have a source: a disk always, a CD-ROM or floppy drive while a medium is in it."""
    if document is None:
        return set()
    drives = document.iterfind("devices/disk")
    return {_target(drive) for drive in drives if drive.find("source") is not None}


def _target(drive: Element) -> str:
    target = drive.find("target")
    return "?" if target is None else target.get("dev", "?")


def _number(value: int | str | None) -> int:
    return value if isinstance(value, int) and value > 0 else 0
