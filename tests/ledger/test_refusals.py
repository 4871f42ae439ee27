"""Why there is no room, and what would fit."""

import pytest

from hypertally.ledger.numa_fit import Misfit
from hypertally.ledger.places import Refusal
from hypertally.ledger.refusals import no_room
from hypertally.ledger.shortage import Shortage


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ([Shortage("vcpus", 4, 1)], "vcpus: asked 4, free 1. It would fit with vcpus 1."),
        (
            [Shortage("vcpus", 4, 1), Shortage("memoryMiB", 9, 8)],
            "vcpus: asked 4, free 1; memoryMiB: asked 9, free 8. It would fit with vcpus 1, memoryMiB 8.",
        ),
        ([Shortage("pcpus", 4, 0)], "pcpus: asked 4, free 0. No pcpus is left there."),
        (
            [Shortage("vcpus", 4, 1), Shortage("memoryMiB", 9, 0), Shortage("diskMiB", 1, -5)],
            (
                "vcpus: asked 4, free 1; memoryMiB: asked 9, free 0; diskMiB: asked 1, free -5. "
                "No memoryMiB and no diskMiB is left there."
            ),
        ),
        (
            [Misfit((Shortage("pcpus", 3, 2),), guest_cell=0, cell=1)],
            "pcpus: asked 3, free 2 in NUMA cell 1, the nearest fit for guest cell 0.",
        ),
        (
            [Shortage("claims", 1, 0), Shortage("vcpus", 4, 1)],
            "claims: asked 1, free 0; vcpus: asked 4, free 1. A ledger has at most 320 claims.",
        ),
    ],
)
def test_what_is_missing_comes_with_the_nearest_fit(missing: list[Refusal], text: str) -> None:
    assert no_room("n0", missing) == f"n0 has no room: {text}"
