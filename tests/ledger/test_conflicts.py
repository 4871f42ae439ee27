"""Which of what cannot be is too much, and which is gone: by mediated devices, whose numbers libvirt only measures."""

from msgspec.structs import replace

from hypertally.api.compute_node import ComputeNode
from hypertally.api.inventory import MdevType
from hypertally.api.placement import HeldMdev
from hypertally.ledger.conflicts import Conflicts, conflicts
from tests.ledger.make import claim, node
from tests.ledger.pci_make import mdev_type

GPU, VGPU = "0000:65:00.0", "nvidia-222"
ONE = (HeldMdev(parent_address=GPU, type=VGPU, count=1),)


def host(*types: MdevType, holders: str) -> ComputeNode:
    plain = node(claims=[replace(claim(uuid), mdevs=ONE) for uuid in holders])
    assert plain.status.report is not None
    return replace(plain, status=replace(plain.status, report=replace(plain.status.report, mdev_types=types)))


def test_more_mediated_devices_than_a_parent_can_have_are_too_much() -> None:
    text = "mediated devices nvidia-222 at 0000:65:00.0: 2 are held, there can be 1 (held by a, b)"
    assert conflicts(host(mdev_type(GPU, VGPU, 1), holders="ab")) == Conflicts(over=(text,))


def test_as_many_as_it_can_have_are_nothing_to_tell() -> None:
    assert conflicts(host(mdev_type(GPU, VGPU, 2), holders="ab")) == Conflicts()


def test_a_type_that_the_parent_no_longer_offers_is_doubtful() -> None:
    text = "mediated devices nvidia-222 at 0000:65:00.0: 1 are held, there can be 0 (held by a)"
    assert conflicts(host(mdev_type(GPU, "nvidia-223", 1), holders="a")) == Conflicts(doubtful=(text,))


def test_what_is_held_of_a_parent_that_has_none_left_is_too_much() -> None:
    text = "mediated devices nvidia-222 at 0000:65:00.0: 1 are held, there can be 0 (held by a)"
    assert conflicts(host(mdev_type(GPU, VGPU), holders="a")) == Conflicts(over=(text,))
