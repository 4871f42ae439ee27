"""Bounds of the schema that depend on what a host or an outage brings.

The API server refuses an object as a whole for one value beyond its bound: a guest with a long name would cost the
host its report. So what is written is made to fit first (`fit`). A test compares these numbers with the CRDs; together
they keep the largest ComputeNode below 1 MiB. Numbers of things that add up over a list have a bound for one entry, and
one (`_TOGETHER`) for all entries, far below the product of the two.
"""

from .forms import cut

AMOUNT_MAX = 2**40
"""Of one thing: a guest, a claim, a host. In MiB an exbibyte."""

SUM_MAX = 2**53 - 1
"""Of many things added up; also of counters. The largest integer that every JSON reader keeps exactly."""

COUNT_MAX = 2**31 - 1
ORDINAL_MAX = 65535
"""Numbers of NUMA cells and sockets; how many of them there are."""

GUESTS_MAX = 320
CLAIMS_MAX = 320
"""Both: claims with names of full length take 280 of the 1024 KiB."""
CONDITIONS_MAX = 12
OMISSIONS_MAX = 32

INSTANCE_NAME_MAX = 63
"""Every claim repeats it."""

GUEST_NAME_MAX = 64
HYPERVISOR_TYPE_MAX = 64
HOLDER_MAX = 128
"""Characters of a Lease's holderIdentity, which claims repeat: letters, digits and -_.: between."""
MESSAGE_MAX = 1024
"""Characters of a condition's message."""
MAINTENANCE_REASON_MAX = 256

CPU_TEXT_MAX = 64
FEATURES_MAX = 512
FEATURE_MAX = 48
GUEST_TYPES_MAX = 64
GUEST_TYPE_TEXT_MAX = 64

CPU_SET_MAX = 1024
"""Characters: 200 ranges of the largest numbers that are in use."""
CELLS_MAX = 32
CELL_CPUS_TOGETHER = 8192
"""Characters of the CPU sets of all cells, shared and dedicated each: 2048 CPUs of which every other one is meant."""
SIBLINGS_MAX = 512
SIBLINGS_TOGETHER = 1024
"""Cores of the host that have several threads."""
SIBLINGS_TEXT_MAX = 40
"""Eight threads, none next to another, with numbers of four digits."""
PAGE_SIZES_MAX = 8
"""Linux has five at most, on any architecture."""
PAGE_SIZE_MAX = 2**30
"""KiB."""
DISTANCE_MAX = 255
PAGES_IN_USE_MAX = CELLS_MAX * PAGE_SIZES_MAX

PCI_POOLS_MAX = 64
PCI_DEVICES_MAX = 1024
"""Of one pool, and of all together."""
PCI_ADDRESS_MAX = 16
TAGS_MAX = 16
TAGS_TOGETHER = 64
TAG_VALUE_MAX = 64

MDEV_TYPES_MAX = 64
MDEV_PARENT_MAX = 32
MDEV_TEXT_MAX = 64
MDEVS_MAX = 64
MDEVS_TOGETHER = 512

STORAGE_POOLS_MAX = 64
STORAGE_NAME_MAX = 64
STORAGE_TYPE_MAX = 32
STORAGE_IDENTITY_MAX = 256

GUEST_CELLS_MAX = 32
GUEST_CELLS_TOGETHER = 1024
GUEST_CPUS_TOGETHER = 16384
"""Characters of the CPU sets of all guests."""
GUEST_PCI_MAX = 32
GUEST_PCI_TOGETHER = 1024
GUEST_MDEVS_MAX = 16
GUEST_MDEVS_TOGETHER = 512

CLAIM_CELLS_MAX = 64
"""What leaves may be the union of several moves."""
CLAIM_CELLS_TOGETHER = 320
CLAIM_CPUS_TOGETHER = 8192
"""Characters of the CPU sets of all claims."""
CLAIM_DEVICES_MAX = 64
CLAIM_DEVICES_TOGETHER = 384
CLAIM_MDEVS_MAX = 32
CLAIM_MDEVS_TOGETHER = 48


def fit_message(text: str) -> str:
    """`text` in at most MESSAGE_MAX characters; what is cut ends in an ellipsis."""
    return cut(text, MESSAGE_MAX)


def within(number: int, most: int = AMOUNT_MAX, least: int = 0) -> int:
    """The nearest number that the schema admits."""
    return min(max(number, least), most)
