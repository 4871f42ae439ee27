"""Bounds of the schema that depend on what a host or an outage brings, and how writers keep them.

The API server refuses an object as a whole for one value beyond its bound: a guest with a long name would cost the
host its report. So what is written is made to fit first. A test compares these numbers with the CRDs.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from .amounts import Amounts
from .compute_node import Guest, ReportContent

AMOUNT_MAX = 2**40
"""Of one thing: a guest, a claim, a host. In MiB an exbibyte."""

SUM_MAX = 2**53 - 1
"""Of many things added up; also of counters. The largest integer that every JSON reader keeps exactly."""

GUESTS_MAX = 512
CLAIMS_MAX = 512
CONDITIONS_MAX = 12

GUEST_NAME_MAX = 64
HYPERVISOR_TYPE_MAX = 64
HOLDER_MAX = 128
"""Characters of a Lease's holderIdentity, which claims repeat: letters, digits and -_.: between."""
MESSAGE_MAX = 1024
"""Characters of a condition's message."""


def fit_message(text: str) -> str:
    """`text` in at most MESSAGE_MAX characters; what is cut ends in an ellipsis."""
    return _cut(text, MESSAGE_MAX)


def fit_report(content: ReportContent) -> ReportContent:
    """`content` as the API server takes it: guests sorted by uuid, the first GUESTS_MAX listed, the others added up.

    A uuid comes once, names are cut, amounts clamped. The same content in another order gives the same result.
    """
    by_uuid = {guest.uuid: _fit_guest(guest) for guest in sorted(content.guests, key=_everything)}
    guests = sorted(by_uuid.values(), key=lambda guest: guest.uuid)
    kept, cut = tuple(guests[:GUESTS_MAX]), guests[GUESTS_MAX:]
    return replace(
        content,
        hypervisor=replace(content.hypervisor, type=_cut(content.hypervisor.type, HYPERVISOR_TYPE_MAX)),
        capacity=content.capacity and _clamp(content.capacity),
        measured=content.measured and _clamp(content.measured),
        guests=kept,
        guests_omitted=content.guests_omitted + len(cut),
        omitted_resources=_sum(content.omitted_resources, cut),
    )


def _fit_guest(guest: Guest) -> Guest:
    sizes = {name: _within(getattr(guest, name)) for name in ("vcpus", "memory_mib", "disk_mib")}
    return replace(guest, name=_cut(guest.name, GUEST_NAME_MAX), **sizes)


def _everything(guest: Guest) -> tuple[str, ...]:
    return tuple(str(getattr(guest, name)) for name in guest.__struct_fields__)


def _clamp(amounts: Amounts) -> Amounts:
    return Amounts(
        vcpus=_within(amounts.vcpus), memory_mib=_within(amounts.memory_mib), disk_mib=_within(amounts.disk_mib)
    )


def _sum(already: Amounts | None, cut: Iterable[Guest]) -> Amounts | None:
    parts: list[Amounts | Guest] = [*([already] if already else []), *cut]
    if not parts:
        return None
    return Amounts(
        vcpus=min(sum(part.vcpus for part in parts), SUM_MAX),
        memory_mib=min(sum(part.memory_mib for part in parts), SUM_MAX),
        disk_mib=min(sum(part.disk_mib for part in parts), SUM_MAX),
    )


def _within(amount: int) -> int:
    return min(max(amount, 0), AMOUNT_MAX)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
