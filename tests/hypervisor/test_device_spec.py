"""The allow-list of PCI devices: Nova's device_spec, and stricter where Nova would offer too much in silence."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.device_spec import MOST_TAGS, DeviceSpec, device_spec, parse_device_spec, split_device_specs
from hypertally.hypervisor.errors import BadSetting
from hypertally.hypervisor.node_devices import PciFunction
from hypertally.hypervisor.pci_address import PciAddress
from tests.hypervisor.test_pci_address import addresses

PF, VF = PciAddress.parse("0000:04:00.3"), PciAddress.parse("0000:04:10.7")


def function(address: str = "0000:0a:00.5", vendor: str = "8086", product: str = "0443", **more: Any) -> PciFunction:
    return PciFunction(name="pci", address=PciAddress.parse(address), vendor_id=vendor, product_id=product, **more)


def virtual_function(**more: Any) -> PciFunction:
    return function(str(VF), product="1520", physical_function=PF, **more)


def spec(**entry: Any) -> DeviceSpec:
    return device_spec(entry)


@pytest.mark.parametrize(
    "address", ["*:0a:00.*", ":0a:00.", "0a:00.5", ".5", "0000:0a:00.5", "0:A:0.5", "*:*:*.*", "*", "", "00.5", "0a:00"]
)
def test_p31_a_glob_matches_as_in_nova(address: str) -> None:
    assert spec(address=address).matches(function(), {})


def test_p31_an_empty_entry_matches_every_device_as_in_nova() -> None:
    assert spec().matches(function(), {})
    assert spec().matches(virtual_function(), {})


@pytest.mark.parametrize(
    "entry",
    [
        {"address": "*:0a:00.6"},
        {"address": "0001:0a:00.5"},
        {"address": "0b:00.5"},
        {"address": "*:0a:01.*"},
        {"product_id": "5058"},
        {"vendor_id": "15b3"},
        {"vendor_id": "8086", "product_id": "0443", "address": ".6"},
    ],
)
def test_p32_every_criterion_must_hold_as_in_nova(entry: dict[str, Any]) -> None:
    assert not device_spec(entry).matches(function(), {})


@pytest.mark.parametrize("address", [str(PF), {"domain": "0000", "bus": "04", "slot": "00", "function": "3"}])
def test_p33_the_address_of_a_pf_means_its_vfs_as_in_nova(address: Any) -> None:
    assert spec(address=address).matches(virtual_function(), {})
    assert spec(address=address).matches(function(str(PF), has_virtual_functions=True), {})


@pytest.mark.parametrize("address", ["0000:04:00.4", "*:04:00.3", "04:00.3", "0000:04:00.*", {"bus": "04"}])
def test_p33_an_address_that_is_no_pfs_or_a_glob_does_not_mean_vfs_as_in_nova(address: Any) -> None:
    vf_elsewhere = function("0000:05:10.7", physical_function=PF)
    assert not spec(address=address).matches(vf_elsewhere, {})


def test_expressions_are_compared_with_the_beginning_of_each_part_as_in_nova() -> None:
    assert spec(address={"bus": "0[ab]", "function": "[0-5]"}).matches(function(), {})
    assert spec(address={"bus": "0"}).matches(function(), {})
    assert not spec(address={"bus": "a"}).matches(function(), {})
    assert spec(address={}).matches(function(), {})


def test_a_network_interface_means_its_device_and_the_vfs_of_that() -> None:
    interfaces = {"eth3": str(PF), "eth4": "0000:05:00.0"}
    pf = function(str(PF), has_virtual_functions=True)
    assert spec(devname="eth3").matches(pf, interfaces)
    assert spec(devname="eth3").matches(virtual_function(), interfaces)
    assert not spec(devname="eth4").matches(virtual_function(), interfaces)
    assert not spec(devname="eth5").matches(pf, interfaces)
    assert not spec(devname="eth5").matches(function(), {})


def test_devices_that_another_host_manages_need_a_serial_number_as_in_nova() -> None:
    remote = spec(vendor_id="8086", remote_managed="true")
    assert remote.matches(virtual_function(), {}, serial="MT2113X00000")
    assert not remote.matches(virtual_function(), {})
    assert not remote.matches(function(str(PF), has_virtual_functions=True), {}, serial="MT2113X00000")
    assert spec(remote_managed="no").matches(virtual_function(), {})


def test_p34_limits_are_novas() -> None:
    device_spec({"vendor_id": "ffff", "product_id": "0xFFFF", "address": "ffff:ff:1f.7"})


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"vendor_id": "80860"}, "vendor_id '80860' is none; allowed are texts of hexadecimal 0 to ffff, or *"),
        ({"product_id": "g000"}, "product_id 'g000' is none; allowed are texts of hexadecimal 0 to ffff, or *"),
        ({"vendor_id": 8086}, "vendor_id 8086 is none"),
        ({"vendor_id": "80_6"}, "vendor_id '80_6' is none"),
        ({"address": "0a:00.9"}, "address '0a:00.9': function '9' is out of bounds; allowed are hexadecimal 0 to 7"),
        ({"address": "0a:20.0"}, "address '0a:20.0': slot '20' is out of bounds; allowed are hexadecimal 0 to 1f"),
        ({"address": "100:00.0"}, "bus '100' is out of bounds; allowed are hexadecimal 0 to ff, or *"),
        ({"address": "10000:00:02.0"}, "domain '10000' is out of bounds; allowed are hexadecimal 0 to ffff, or *"),
        ({"address": "0a:0*.0"}, "slot '0*' is out of bounds"),
        ({"address": "0a:00.5.1"}, "function '5.1' is out of bounds"),
        ({"address": "0:0:0:0.0"}, "has too many parts; allowed is domain:bus:slot.function"),
        ({"address": ["04:00.3"]}, "allowed is a glob such as *:0a:00.*, or an object of expressions"),
        ({"address": {"buss": "04"}}, "address has an unknown part 'buss'; allowed are domain, bus, slot, function"),
        ({"address": {"bus": "["}}, "address: bus '[' is no regular expression"),
        ({"address": {"bus": "a{99999999999}"}}, "is no regular expression"),
        ({"address": {"bus": 4}}, "address: bus 4 cannot be used; allowed is a regular expression"),
        ({"address": ".5", "devname": "eth3"}, "address and devname are both given; allowed is one of the two"),
        ({"devname": "a/b"}, "devname 'a/b' is none; allowed is the name of a network interface, such as eth3"),
        ({"managed": "maybe"}, "managed 'maybe' is neither true nor false; allowed are 1, t, true"),
        ({"live_migratable": 1}, "live_migratable 1 is neither true nor false"),
        ({"one_time_use": None}, "one_time_use None is neither true nor false"),
        ({"trusted": ""}, "trusted '' is neither true nor false"),
        ({"physical_network": 7}, "physical_network 7 cannot be used; allowed is text of at most 64"),
        ({"physical_network": "a\nb"}, "cannot be used"),
        ({"rack": "x" * 65}, "cannot be used; allowed is text of at most 64"),
        ({"": "x"}, "'' is no name of a tag"),
        ({f"tag{number}": "x" for number in range(MOST_TAGS + 1)}, "16 tags are too many; allowed are 15"),
    ],
)
def test_p34_what_cannot_be_meant_is_refused_with_the_entry_the_field_and_what_is_allowed(
    entry: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        parse_device_spec(json.dumps(entry))
    assert str(refused.value).startswith("device spec {")
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["vendor", "vendorid", "vendor-id", "product_ids", "adress", "dev_name", "Vendor_ID"])
def test_a_misspelt_criterion_is_refused_where_nova_would_offer_every_device(name: str) -> None:
    with pytest.raises(BadSetting, match="may be meant"):
        device_spec({name: "8086"})


@pytest.mark.parametrize("text", ["", "eth3", "{", "[1]", "7", '"8086"', "[[]]", "null", "[" * 10_000])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match="device spec"):
        parse_device_spec(text)


def test_a_criterion_that_is_given_twice_is_refused() -> None:
    with pytest.raises(BadSetting, match="vendor_id is given twice"):
        parse_device_spec('{"vendor_id": "8086", "vendor_id": "15b3"}')


def test_a_list_is_as_many_entries() -> None:
    one, other = map(
        parse_device_spec, split_device_specs('[{"vendor_id": "8086"}, {"vendor_id": "15B3", "product_id": "*"}]')
    )
    assert (one.vendor_id, other.vendor_id, other.product_id) == ("8086", "15b3", "")
    assert split_device_specs("[]") == split_device_specs(" ") == []
    assert split_device_specs('{"vendor_id": "8086"}') == ['{"vendor_id": "8086"}']


@pytest.mark.parametrize("text", ["x", '[{"devname": "a", "devname": "b"}]'])
def test_a_list_that_cannot_be_read_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(BadSetting):
        list(map(parse_device_spec, split_device_specs(text)))


def test_tags_are_kept_and_truth_is_written_one_way() -> None:
    tags = spec(
        vendor_id="8086", address=".5", physical_network="physnet1", trusted="Yes", managed=False, rack="b 12"
    ).tags
    assert tags == {"managed": "false", "physical_network": "physnet1", "rack": "b 12", "trusted": "true"}


def test_placements_words_are_no_tags_as_in_nova() -> None:
    assert spec(resource_class="CUSTOM_FPGA", traits="CUSTOM_A,CUSTOM_B").tags == {}


def test_no_physical_network_is_a_tag_of_its_own_as_in_nova() -> None:
    assert spec(physical_network=None).tags == {"physical_network": ""}


@given(addresses)
def test_a_full_address_means_that_device_alone(address: PciAddress) -> None:
    whole = spec(address=str(address))
    assert whole.matches(function(str(address)), {})
    assert whole.matches(function("0000:0a:00.5"), {}) == (str(address) == "0000:0a:00.5")


@given(addresses, st.lists(st.booleans(), min_size=4, max_size=4))
def test_what_a_glob_leaves_open_can_be_anything(address: PciAddress, open_parts: list[bool]) -> None:
    texts = [f"{address.domain:x}", f"{address.bus:x}", f"{address.slot:x}", f"{address.function:x}"]
    domain, bus, slot, last = ("*" if is_open else text for is_open, text in zip(open_parts, texts, strict=True))
    assert spec(address=f"{domain}:{bus}:{slot}.{last}").matches(function(str(address)), {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["vendor_id", "product_id", "address", "devname", "trusted", "physical_network", "traits", "x"]
)


@given(st.dictionaries(FIELDS, JSON, max_size=4))
def test_no_entry_does_worse_than_be_refused(entry: dict[str, Any]) -> None:
    try:
        found = device_spec(entry)
    except BadSetting:
        return
    found.matches(virtual_function(), {"eth3": str(PF)})


@given(st.text(max_size=20))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with suppress(BadSetting):
        parse_device_spec(text)
