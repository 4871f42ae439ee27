"""What `--once` shows a person of everything that a report can hold."""

from typing import Any

from hypertally.agent.tables import tables
from hypertally.api.compute_node import Report
from hypertally.api.decode import decode
from hypertally.hypervisor.identity import Identity
from tests.support import samples

WHOLE = """\
HOST         hv1.example
UUID         6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b11
HYPERVISOR   QEMU 7.2.0, libvirt 9.0.0
ADDRESS      192.0.2.7
CPU          AMD EPYC-Rome, x86_64, 1 cell, 1 socket, 8 cores, 2 threads, 2 features
RUNS         kvm hvm: x86_64

         CAPACITY   IN USE    LEFT ONCE THIN DISKS ARE FULL
VCPUS    16         2
PCPUS    4          0
MEMORY   64.0 GiB   4.0 GiB
DISK     1.0 TiB    2.0 GiB   -2.0 GiB

CELL   SOCKET   MEMORY     SHARED CPUS   DEDICATED CPUS   THREADS OF A CORE   DISTANCES
0      0        64.0 GiB   0-3,8-11      4-7,12-15        0,8 1,9             0:10

PAGES OF CELL   SIZE      TOTAL   RESERVED   IN USE
0               2 MiB     1024    64         12
0               1.0 GiB   8       0          unknown

STORAGE POOL   TYPE   STATE      CAPACITY   ALLOCATED   AVAILABLE    IDENTITY
pool-1         rbd    active     1.0 TiB    10.0 GiB    1014.0 GiB   rbd:af5f4024-4ee2-4f22-a3ba-a8b13c0e9a44/vms
pool-2         dir    inactive   -          -           -            x

PCI DEVICES   TYPE   CELL   NUMBER   MISSING   ADDRESSES      TAGS
8086:1520     VF     0      1        1         0000:0a:00.1   physical_network=net1

MEDIATED DEVICES   NAME         PARENT         EXIST   AVAILABLE
nvidia-222         GRID T4-1B   0000:65:00.0   1       15

GUEST     STATE     VCPUS   MEMORY    DISK       UUID                                   ALSO HOLDS
guest-1   Running   0       1.0 GiB   10.0 GiB   00000000-0000-0000-0000-000000000001   2 pcpus (4,12); \
memory of cells 0; pages of 2 MiB; PCI 0000:0a:00.1; mdev 00000000-0000-0000-0000-000000000bb8
guest-2   Running   1       1.0 GiB   10.0 GiB   00000000-0000-0000-0000-000000000002

and 1 more guests
left out of pciPools[].devices: 3"""


def shown(**changed: Any) -> str:
    report = decode(samples.report(**changed), Report)
    return tables(Identity(hostname="hv1.example", host_uuid=samples.HOST_UUID), report)


def test_every_part_of_a_report_has_its_place() -> None:
    capacity = {"vcpus": 16, "pcpus": 4, "memoryMiB": 65536, "diskMiB": 1048576}
    pages = [{"sizeKiB": 2048, "total": 1024, "reserved": 64}, {"sizeKiB": 1048576, "total": 8, "reserved": 0}]
    idle = {"name": "pool-2", "uuid": samples.uuid(1), "type": "dir", "active": False, "identity": "x"}
    assert (
        shown(
            capacity=capacity,
            numaCells=[samples.numa_cell(pages=pages)],
            storagePools=[samples.storage_pool(1), idle],
            guests=[samples.pinned_guest(1), samples.guest(2)],
        )
        == WHOLE
    )


def test_parts_that_are_unknown_say_so() -> None:
    lines = [
        line.split() for line in shown(capacity=None, measured=None, cpu=None, diskAvailableLeastMiB=None).splitlines()
    ]
    assert ["CPU", "unknown"] in lines
    assert ["VCPUS", "unknown", "unknown"] in lines
    assert ["PCPUS", "unknown", "unknown"] in lines
    assert ["DISK", "unknown", "unknown", "unknown"] in lines


def test_parts_that_a_host_does_not_have_take_no_room() -> None:
    lists = ("numaCells", "pciPools", "mdevTypes", "storagePools", "guests", "guestTypes", "omitted", "measuredPages")
    bare: dict[str, Any] = {name: [] for name in lists}
    text = shown(**bare, guestsOmitted=0)
    assert text.splitlines()[-1] == "No guests."
    assert not {"CELL", "PCI", "MEDIATED", "STORAGE", "RUNS", "PAGES"} & set(text.split())


def test_long_lists_are_cut_and_said_so() -> None:
    devices = [{"address": f"0000:0a:00.{number}"} for number in range(7)]
    assert "0000:0a:00.3 and 3 more" in shown(pciPools=[samples.pci_pool(devices=devices)])


def test_what_an_emulator_runs_is_folded_to_the_width_of_a_terminal() -> None:
    types = [{"arch": f"architecture{number}", "hypervisor": "qemu", "osType": "hvm"} for number in range(30)]
    lines = shown(guestTypes=types).splitlines()
    assert lines[5].startswith("RUNS         qemu hvm: architecture0 ")
    assert lines[6].startswith("             architecture")
    assert max(map(len, lines[5:9])) <= 113
