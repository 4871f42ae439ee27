"""Reports as odd hosts might make them, before they are made to fit: too long, too many, out of every bound."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st

from hypertally.api.compute_node import Guest, GuestState, Hypervisor, Omission, ReportContent
from hypertally.api.inventory import (
    Cpu,
    CpuTopology,
    Distance,
    GuestType,
    MdevType,
    NumaCell,
    Pages,
    PagesInUse,
    PciDevice,
    PciPool,
    PciType,
    StoragePool,
)
from tests.support.strategies import LETTERS, amounts, cpu_sets, pci_addresses, texts, versions

T = TypeVar("T")

numbers = st.integers(-9, 2**70)
ordinals = st.integers(-2, 3) | numbers
odd_texts = st.sampled_from(["", "a", "a,b", "x" * 300, "ü" * 300, "/a b", "\x1b[0m", "<&>"]) | texts(300)
sizes = st.sampled_from([0, 4, 2048, 1048576]) | numbers
same_uuids = st.integers(0, 9).map(lambda number: f"{number:08}-0000-0000-0000-000000000000")
some_uuids = same_uuids | odd_texts
addresses = pci_addresses | odd_texts
long_cpu_sets = st.integers(0, 2000).map(lambda count: ",".join(str(2 * number) for number in range(count)))
sets_of_cpus = cpu_sets | long_cpu_sets | odd_texts


def lists(each: st.SearchStrategy[T], most: int = 5) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(each, max_size=most).map(tuple)


def crowds(make: Callable[[int], T], most: int) -> st.SearchStrategy[tuple[T, ...]]:
    """Many at little cost: what makes them differ is their number."""
    return st.integers(0, most).map(lambda count: tuple(make(number) for number in range(count)))


guests = st.builds(
    Guest,
    uuid=same_uuids,
    name=odd_texts,
    state=st.sampled_from(GuestState),
    vcpus=numbers,
    pcpus=numbers,
    memory_mib=numbers,
    disk_mib=numbers,
    memory_current_mib=numbers,
    cells=lists(ordinals) | crowds(int, 99),
    pinned_cpus=sets_of_cpus,
    page_size_kib=sizes,
    pci_addresses=lists(addresses) | crowds("0000:00:{:02x}.0".format, 32),
    mdev_uuids=lists(some_uuids),
)
cpus = st.builds(
    Cpu,
    arch=odd_texts,
    model=odd_texts,
    vendor=odd_texts,
    topology=st.none() | st.builds(CpuTopology, cells=numbers, sockets=numbers, cores=numbers, threads=numbers),
    features=lists(odd_texts) | crowds("feature-{}".format, 600),
)
numa_cells = st.builds(
    NumaCell,
    id=ordinals,
    memory_mib=numbers,
    shared_cpus=sets_of_cpus,
    dedicated_cpus=sets_of_cpus,
    siblings=lists(sets_of_cpus) | crowds("{0},1{0}".format, 600),
    socket=st.none() | ordinals,
    pages=lists(st.builds(Pages, size_kib=sizes, total=numbers, reserved=numbers), 12),
    distances=lists(st.builds(Distance, cell=ordinals, value=numbers)),
)
devices = st.builds(PciDevice, address=addresses, parent_address=addresses, missing=st.booleans())
pci_pools = st.builds(
    PciPool,
    vendor_id=st.sampled_from(["8086", "10de"]) | odd_texts,
    product_id=st.sampled_from(["1520", "1521"]) | odd_texts,
    type=st.sampled_from(PciType),
    numa_cell=st.none() | ordinals,
    tags=st.dictionaries(st.text(LETTERS, max_size=3) | odd_texts, odd_texts, max_size=20),
    devices=lists(devices)
    | crowds(lambda n: PciDevice(address=f"0000:{n // 256:02x}:{n // 8 % 32:02x}.{n % 8}"), 1100),
)
mdev_types = st.builds(
    MdevType,
    parent_address=addresses,
    type=odd_texts,
    name=odd_texts,
    available=numbers,
    instances=lists(some_uuids) | crowds("00000000-0000-0000-0000-{:012}".format, 99),
)
pool_sizes = st.none() | numbers
storage_pools = st.builds(
    StoragePool,
    name=odd_texts,
    uuid=some_uuids,
    type=odd_texts,
    active=st.booleans(),
    identity=odd_texts,
    capacity_mib=pool_sizes,
    allocation_mib=pool_sizes,
    available_mib=pool_sizes,
)

contents = st.builds(
    ReportContent,
    hypervisor=st.builds(Hypervisor, type=texts(200, 1), version=versions, libvirt_version=versions),
    cpu=st.none() | cpus,
    guest_types=lists(st.builds(GuestType, arch=odd_texts, hypervisor=odd_texts, os_type=odd_texts))
    | crowds(lambda n: GuestType(arch=f"arch{n}", hypervisor="kvm", os_type="hvm"), 99),
    capacity=st.none() | amounts(-9, 2**70),
    measured=st.none() | amounts(-9, 2**70),
    measured_pages=lists(st.builds(PagesInUse, cell=ordinals, size_kib=sizes, used=numbers)),
    disk_available_least_mib=st.none() | st.integers(-(2**70), 2**70),
    numa_cells=lists(numa_cells),
    pci_pools=lists(pci_pools),
    mdev_types=lists(mdev_types),
    storage_pools=lists(storage_pools),
    guests=lists(guests, 12),
    guests_omitted=st.integers(0, 999),
    omitted_resources=st.none() | amounts(0, 2**53 - 1),
    omitted=st.just(()) | st.just((Omission(part="pciPools", entries=2),)),
)
