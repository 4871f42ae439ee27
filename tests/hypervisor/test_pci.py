"""Pools of PCI devices: Nova's rows where they concern what a host has; who holds what is the ledger's."""

import random
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hypertally.api.inventory import PciDevice, PciPool, PciType
from hypertally.hypervisor.device_spec import DeviceSpec, device_spec
from hypertally.hypervisor.node_devices import (
    NetworkInterface,
    NodeDevice,
    OtherDevice,
    PciFunction,
    UnreadDevice,
    Vdpa,
)
from hypertally.hypervisor.pci import PciView, named_addresses, pci_pools
from hypertally.hypervisor.pci_address import PciAddress
from tests.support.devices import PF, VF1, VF2, card, function, node_name, physical_function, pool, virtual_function

PHYSNET1 = device_spec({"vendor_id": "8086", "physical_network": "physnet1"})
TAGS = {"physical_network": "physnet1", "remote_managed": "false"}


def view(
    *devices: NodeDevice,
    specs: tuple[DeviceSpec, ...] = (PHYSNET1,),
    used: tuple[str, ...] = (),
    last: tuple[PciPool, ...] = (),
) -> PciView:
    return pci_pools(devices, specs, used, last)


def pools(*devices: NodeDevice, **how: Any) -> tuple[PciPool, ...]:
    return view(*devices, **how).pools


def listed(found: tuple[PciPool, ...]) -> dict[str, tuple[PciType, int | None]]:
    return {device.address: (pool.type, pool.numa_cell) for pool in found for device in pool.devices}


def counts(found: tuple[PciPool, ...]) -> dict[PciType, int]:
    return {pool.type: len(pool.devices) for pool in found}


def test_p1_a_card_is_a_pool_of_its_pf_and_one_of_its_vfs_as_in_nova() -> None:
    assert pools(*card()) == (
        pool(VF1, VF2, tags=TAGS),
        pool(PciDevice(address=PF), product="1521", type_=PciType.PF, tags=TAGS),
    )


def test_p2_to_p10_what_guests_hold_changes_no_pool_as_the_design_says() -> None:
    """Nova's pools shrink; here they say what the host offers, and the ledger what of it is free."""
    fresh = pools(*card())
    for used in ((VF1,), (VF1, VF2), (PF,)):
        assert pools(*card(), used=used, last=fresh) == fresh


def test_p14_a_used_vf_that_disappears_stays_listed_as_missing_as_in_nova() -> None:
    before = pools(*card())
    after = pools(physical_function(), virtual_function(VF2), used=(VF1,), last=before)
    assert counts(after) == {PciType.VF: 2, PciType.PF: 1}
    assert after[0].devices == (
        PciDevice(address=VF1, parent_address=PF, missing=True),
        PciDevice(address=VF2, parent_address=PF),
    )


def test_p15_once_freed_it_is_gone_and_its_pf_is_there_as_the_design_says() -> None:
    before = pools(physical_function(), virtual_function(VF2), used=(VF1,), last=pools(*card()))
    after = pools(physical_function(), virtual_function(VF2), last=before)
    assert counts(after) == {PciType.VF: 1, PciType.PF: 1}


def test_p16_a_used_device_that_changes_its_cell_moves_when_it_is_freed_as_in_nova() -> None:
    before, moved = pools(function(numa_cell=0)), function(numa_cell=1)
    address = str(moved.address)
    while_used = pools(moved, used=(address,), last=before)
    assert listed(while_used) == {address: (PciType.PCI, 0)}
    assert listed(pools(moved, last=while_used)) == {address: (PciType.PCI, 1)}


def test_p17_a_free_device_that_changes_its_cell_moves_at_once_as_the_design_says() -> None:
    before, moved = pools(function(numa_cell=0)), function(numa_cell=7)
    assert listed(pools(moved, last=before)) == {str(moved.address): (PciType.PCI, 7)}


def test_p18_a_free_device_that_becomes_a_pf_moves_to_the_pool_of_pfs_as_in_nova() -> None:
    before = pools(physical_function(has_virtual_functions=False))
    assert listed(before) == {PF: (PciType.PCI, 0)}
    assert listed(pools(physical_function(), last=before)) == {PF: (PciType.PF, 0)}


def test_p19_a_vf_that_is_no_longer_reported_goes_while_its_pf_is_used_as_in_nova() -> None:
    after = pools(physical_function(), virtual_function(VF1), used=(PF,), last=pools(*card()))
    assert counts(after) == {PciType.VF: 1, PciType.PF: 1}


def test_p20_a_pf_that_is_no_longer_reported_goes_and_a_used_vf_stays_as_in_nova() -> None:
    after = pools(virtual_function(VF1), virtual_function(VF2), used=(VF1,), last=pools(*card()))
    assert counts(after) == {PciType.VF: 2}


def test_p23_a_device_beyond_16_bit_domains_is_skipped_and_the_others_kept_as_in_nova() -> None:
    assert pools(OtherDevice("pci_10000_00_02_0", "PCI domain 10000 is out of bounds"), *card()) == pools(*card())


def test_p31_an_empty_entry_offers_every_device_as_in_nova() -> None:
    assert counts(pools(*card(), function(), specs=(device_spec({}),))) == {
        PciType.VF: 2,
        PciType.PF: 1,
        PciType.PCI: 1,
    }


def test_p33_the_address_of_a_pf_offers_it_and_its_vfs_as_in_nova() -> None:
    other = virtual_function("0000:81:10.0", "0000:81:00.0")
    found = pools(*card(), other, specs=(device_spec({"address": PF}),))
    assert set(listed(found)) == {PF, VF1, VF2}


def test_without_an_allow_list_nothing_is_offered() -> None:
    assert pools(*card(), specs=()) == ()


def test_a_pf_without_vfs_is_a_pf_as_in_nova() -> None:
    assert listed(pools(physical_function())) == {PF: (PciType.PF, 0)}


def test_a_vf_with_a_vdpa_device_is_of_the_type_vdpa_as_in_nova() -> None:
    found = pools(*card(), Vdpa("vdpa_vdpa0", node_name(VF1), "/dev/vhost-vdpa-0"))
    assert listed(found)[VF1] == (PciType.VDPA, 0)
    assert listed(found)[VF2] == (PciType.VF, 0)


def test_a_vdpa_path_is_the_address_of_its_vf() -> None:
    devices: tuple[NodeDevice, ...] = (
        *card(),
        Vdpa("vdpa_vdpa0", node_name(VF1), "/dev/vhost-vdpa-0"),
        Vdpa("lost", "pci_gone", "/dev/x"),
    )
    assert named_addresses(devices) == {"/dev/vhost-vdpa-0": PciAddress.parse(VF1)}


def test_an_interface_is_the_address_of_its_function_or_known_to_have_none() -> None:
    devices: tuple[NodeDevice, ...] = (
        *card(),
        NetworkInterface("net_vf1", node_name(VF1), "ens5f0v1"),
        NetworkInterface("net_bond0", "computer", "bond0"),
    )
    assert named_addresses(devices) == {"ens5f0v1": PciAddress.parse(VF1), "bond0": None}


def test_what_is_behind_an_interface_of_an_unread_function_is_not_known() -> None:
    devices = (UnreadDevice(node_name(VF1), "?"), NetworkInterface("net_vf1", node_name(VF1), "ens5f0v1"))
    assert named_addresses(devices) == {}


def test_devices_of_different_pfs_are_one_pool_as_the_design_says() -> None:
    """Nova splits its pools by PF, and so a request for two could fail with two free (launchpad 2098496)."""
    found = pools(virtual_function(VF1), virtual_function("0000:05:10.0", "0000:05:00.0"))
    assert counts(found) == {PciType.VF: 2}


def test_the_first_entry_that_matches_gives_the_tags_as_in_nova() -> None:
    specs = (device_spec({"address": VF1, "trusted": "true"}), PHYSNET1)
    tags = {device.address: pool.tags for pool in pools(*card(), specs=specs) for device in pool.devices}
    assert tags == {VF1: {"trusted": "true", "remote_managed": "false"}, VF2: TAGS, PF: TAGS}


def test_a_plain_device_says_nothing_of_being_managed_elsewhere_as_in_nova() -> None:
    assert pools(function())[0].tags == {"physical_network": "physnet1"}


def test_an_interface_name_offers_its_pf_and_the_vfs_of_that() -> None:
    specs = (device_spec({"devname": "enp4s0f3"}),)
    interface = NetworkInterface("net_enp4s0f3", node_name(PF), "enp4s0f3")
    assert set(listed(pools(*card(), function(), interface, specs=specs))) == {PF, VF1, VF2}
    assert pools(*card(), function(), specs=specs) == ()


def test_a_vf_that_another_host_manages_is_known_by_its_pfs_serial_number_as_in_nova() -> None:
    specs = (device_spec({"vendor_id": "8086", "remote_managed": "true"}),)
    found = pools(physical_function(serial="MT1"), virtual_function(VF1), virtual_function("0000:05:10.0"), specs=specs)
    assert set(listed(found)) == {VF1, "0000:05:10.0"}
    assert pools(physical_function(), virtual_function(VF1), specs=specs) == ()


def test_a_pf_whose_vf_is_in_use_cannot_be_had_though_only_the_pf_is_offered() -> None:
    only_pf = (device_spec({"vendor_id": "8086", "product_id": "1521"}),)
    assert [device.missing for pool in pools(*card(), specs=only_pf) for device in pool.devices] == [False]
    assert [device.missing for pool in pools(*card(), specs=only_pf, used=(VF1,)) for device in pool.devices] == [True]
    both = pools(*card(), specs=only_pf, used=(PF, VF1))
    assert [device.missing for pool in both for device in pool.devices] == [False]
    assert pools(*card(), used=(VF1,)) == pools(*card()), "where the VF is offered the ledger sees it"


def test_a_used_device_that_the_allow_list_lost_stays_and_is_said_as_the_design_says() -> None:
    """A typo made Nova delete the rows of devices in use (launchpad 1633120)."""
    other = (device_spec({"vendor_id": "15b3"}),)
    seen = view(*card(), specs=other, used=(VF1,), last=pools(*card()))
    assert seen.pools == (pool(VF1, tags=TAGS),)
    assert seen.used_unoffered == (VF1,)


def test_without_any_allow_list_a_used_device_is_not_said_to_be_missing_for_nobody_looked() -> None:
    before = pools(*card())
    seen = view(specs=(), used=(VF1,), last=before)
    assert seen == PciView((pool(VF1, tags=TAGS),))


def test_another_device_at_the_address_of_a_used_one_is_what_the_host_has_now() -> None:
    replaced = function(VF1, product="9999", numa_cell=0)
    assert listed(pools(replaced, used=(VF1,), last=pools(*card()))) == {VF1: (PciType.PCI, 0)}


def test_a_used_device_that_never_was_offered_is_not_listed() -> None:
    assert set(listed(pools(*card(), used=("0000:99:00.0",)))) == {PF, VF1, VF2}


def test_a_device_that_cannot_be_read_stays_as_it_was() -> None:
    before = pools(*card())
    assert pools(physical_function(), virtual_function(VF2), UnreadDevice(node_name(VF1), "?"), last=before) == before


def test_while_something_on_a_function_cannot_be_read_functions_stay_as_they_were() -> None:
    vdpa = Vdpa("vdpa_vdpa0", node_name(VF1), "/dev/vhost-vdpa-0")
    before = pools(*card(), vdpa)
    assert pools(*card(), UnreadDevice("vdpa_vdpa0", "?"), last=before) == before
    gone = pools(physical_function(), virtual_function(VF2), UnreadDevice("vdpa_vdpa0", "?"), last=before)
    assert set(listed(gone)) == {PF, VF2}


def test_a_host_full_of_vfs_is_whole_and_stays_the_same() -> None:
    pfs = [f"0000:{bus:02x}:00.0" for bus in range(1, 9)]
    vfs = [virtual_function(f"{pf[:8]}{slot:02x}.{n}", pf) for pf in pfs for slot in range(1, 9) for n in range(8)]
    devices = [*map(physical_function, pfs), *vfs]
    specs = tuple(device_spec({"address": pf, "physical_network": f"net{pf[5:7]}"}) for pf in pfs)
    found = pools(*devices, specs=specs)
    assert sum(len(pool.devices) for pool in found) == 8 * (1 + 64)
    assert pools(*devices, specs=specs, used=tuple(str(vf.address) for vf in vfs), last=found) == found


ADDRESSES = [f"0000:{bus:02x}:00.{number}" for bus in (4, 5) for number in range(4)]
functions = st.builds(
    lambda address, product, cell, parent, is_pf: function(
        address,
        product,
        numa_cell=cell,
        physical_function=PciAddress.parse(parent) if parent else None,
        has_virtual_functions=is_pf,
    ),
    st.sampled_from(ADDRESSES),
    st.sampled_from(["1520", "1521"]),
    st.none() | st.integers(0, 1),
    st.none() | st.sampled_from(ADDRESSES),
    st.booleans(),
)
hosts = st.lists(functions, unique_by=lambda device: device.address, max_size=8)
allow_lists = st.lists(
    st.sampled_from(
        [{}, {"product_id": "1520", "trusted": "1"}, {"address": "04:00.*"}, {"address": ADDRESSES[0]}]
    ).map(device_spec),
    min_size=1,
    max_size=2,
)
uses = st.sets(st.sampled_from(ADDRESSES))


@given(hosts, hosts, allow_lists, allow_lists, uses, st.randoms())
def test_each_device_is_in_one_pool_and_order_does_not_matter(
    before: list[PciFunction],
    after: list[PciFunction],
    old: list[DeviceSpec],
    new: list[DeviceSpec],
    used: set[str],
    chance: random.Random,
) -> None:
    last = pci_pools(before, old, (), ()).pools
    found = pci_pools(after, new, used, last).pools
    times = Counter(device.address for pool in found for device in pool.devices)
    assert set(times.values()) <= {1}
    shuffled, mixed = list(after), list(last)
    chance.shuffle(shuffled)
    chance.shuffle(mixed)
    assert pci_pools(shuffled, new, used, mixed).pools == found
    assert pci_pools(after, new, used, found).pools == found


@given(hosts, hosts, allow_lists, allow_lists, uses)
def test_what_is_used_is_never_lost_and_what_is_not_is_never_held(
    before: list[PciFunction], after: list[PciFunction], old: list[DeviceSpec], new: list[DeviceSpec], used: set[str]
) -> None:
    last = pci_pools(before, old, (), ()).pools
    found, fresh = pci_pools(after, new, used, last).pools, pci_pools(after, new, (), ()).pools
    now = {str(device.address): device.product_id for device in after}
    was = {device.address: pool.product_id for pool in last for device in pool.devices}
    for address, product in was.items():
        if address in used and now.get(address, product) == product:
            assert address in listed(found)
    unseen = used - set(listed(found))
    below = {str(device.physical_function) for device in after if str(device.address) in unseen} - used
    for pool_ in found:
        for device in pool_.devices:
            assert device.missing == (device.address not in now or device.address in below)
            if device.address not in used:
                assert listed(fresh)[device.address] == (pool_.type, pool_.numa_cell)
    assert set(listed(fresh)) <= set(listed(found))
