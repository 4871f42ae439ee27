"""PCI addresses in the four forms in which libvirt and people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.pci_address import NoPciAddress, PciAddress

addresses = st.builds(
    PciAddress, st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 0x1F), st.integers(0, 0x7)
)


@given(addresses)
def test_every_form_of_an_address_is_read_back(address: PciAddress) -> None:
    fields = {name: getattr(address, name) for name in ("domain", "bus", "slot", "function")}
    assert PciAddress.parse(str(address)) == address
    assert PciAddress.parse(str(address).upper()) == address
    assert PciAddress.of_node_device(f"pci_{str(address).replace(':', '_').replace('.', '_')}") == address
    assert PciAddress.of_attributes({name: f"0x{value:x}" for name, value in fields.items()}) == address
    assert PciAddress.of_numbers({name: str(value) for name, value in fields.items()}) == address


@given(addresses, addresses)
def test_texts_sort_as_addresses_do(one: PciAddress, other: PciAddress) -> None:
    assert (str(one) < str(other)) == (one < other)


def test_node_devices_count_decimally_and_domains_hexadecimally() -> None:
    fields = {"domain": "0", "bus": "10", "slot": "16", "function": "7"}
    assert str(PciAddress.of_numbers(fields)) == "0000:0a:10.7"
    assert str(PciAddress.of_attributes(fields)) == "0000:10:16.7"


def test_a_domain_may_be_left_out() -> None:
    assert str(PciAddress.of_attributes({"bus": "0x0a", "slot": "0", "function": "1"})) == "0000:0a:00.1"


@pytest.mark.parametrize(
    "text", ["", "0a:00.1", "10000:00:02.0", "0000:0a:20.0", "0000:0a:00.8", "0000:0a:00.1 x", "\u0660000:0a:00.1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(NoPciAddress):
        PciAddress.parse(text)


@given(st.text(max_size=30))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    for read in (PciAddress.parse, PciAddress.of_node_device):
        try:
            read(text)
        except NoPciAddress:
            continue
    for read_fields in (PciAddress.of_attributes, PciAddress.of_numbers):
        try:
            read_fields({"domain": text, "bus": text, "slot": text, "function": text})
        except NoPciAddress:
            continue


def test_a_message_names_the_field_and_what_is_allowed() -> None:
    with pytest.raises(NoPciAddress, match="PCI slot 20 is out of bounds; allowed are 0 to 1f"):
        PciAddress.of_attributes({"bus": "0", "slot": "0x20", "function": "0"})
