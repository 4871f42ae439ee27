"""Guest types: Nova's supported_instances in Nova's words."""

import pytest

from hypertally.api.inventory import GuestType
from hypertally.hypervisor.back_end import ImagesType
from hypertally.hypervisor.facts import Unread
from hypertally.hypervisor.guest_types import guest_types
from hypertally.hypervisor.settings import AuditSettings
from tests.support.recordings import capabilities
from tests.support.snapshots import snapshot


def types_of(name: str, settings: AuditSettings | None = None) -> list[tuple[str, str, str]]:
    told = guest_types(snapshot(capabilities=capabilities(name), settings=settings or AuditSettings())).value
    assert not isinstance(told, Unread)
    return [(type_.arch, type_.hypervisor, type_.os_type) for type_ in told]


@pytest.mark.parametrize(
    ("name", "types"),
    [
        (
            "intel-2-sockets-smt",
            [("i686", "kvm", "hvm"), ("i686", "qemu", "hvm"), ("x86_64", "kvm", "hvm"), ("x86_64", "qemu", "hvm")],
        ),
        ("aarch64-64k-pages", [("aarch64", "kvm", "hvm"), ("aarch64", "qemu", "hvm"), ("armv7l", "qemu", "hvm")]),
        ("xen", [("i686", "xen", "hvm"), ("i686", "xen", "xen"), ("x86_64", "xen", "xen")]),
        (
            "power-sparse-cells",
            [("ppc64", "kvm", "hvm"), ("ppc64", "qemu", "hvm"), ("ppc64le", "kvm", "hvm"), ("ppc64le", "qemu", "hvm")],
        ),
    ],
)
def test_novas_value_of_the_types_each_once_and_sorted(name: str, types: list[tuple[str, str, str]]) -> None:
    assert types_of(name) == types


def test_on_ceph_a_scheduler_can_filter_on_it_as_it_did_in_nova() -> None:
    rbd = AuditSettings(images_type=ImagesType.RBD, rbd_pool="vms")
    assert types_of("aarch64-64k-pages", rbd) == [
        ("aarch64", "ceph", "hvm"),
        ("aarch64", "kvm", "hvm"),
        ("aarch64", "qemu", "hvm"),
        ("armv7l", "ceph", "hvm"),
        ("armv7l", "qemu", "hvm"),
    ]


def test_by_design_an_architecture_that_nova_does_not_know_is_told_and_what_is_no_word_is_not() -> None:
    document = """<capabilities>
      <guest><os_type>hvm</os_type><arch name='loongarch64'><domain type='kvm'/></arch></guest>
      <guest><os_type>hvm</os_type><arch name='two words'><domain type='kvm'/></arch></guest>
      <guest><os_type>hvm</os_type><arch><domain type='kvm'/></arch></guest>
      <guest><arch name='x86_64'><domain type='kvm'/></arch></guest>
    </capabilities>"""
    told = guest_types(snapshot(capabilities=document)).value
    assert told == (GuestType(arch="loongarch64", hypervisor="kvm", os_type="hvm"),)


def test_they_are_unknown_while_capabilities_are() -> None:
    assert guest_types(snapshot(capabilities=Unread("no"))).value == Unread("no")
