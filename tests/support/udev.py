"""Devices that come and go for a real libvirtd: the messages that udev sends, in a network of one's own.

libvirt listens to udev's netlink group, which is one per network namespace. So nobody else on the machine hears these,
and the device itself stays where it is.
"""

import ctypes
import os
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_CLONE_NEWNET = 0x40000000  # os.unshare came with Python 3.12
_KOBJECT_UEVENT = 15
"""The netlink protocol, linux/netlink.h; the socket module has no name for it."""
_UDEV_GROUP = 2
_MAGIC = 0xFEEDCAFE
_HEADER = struct.Struct("=8sIIIIIIII")
"""Of systemd's device monitor: prefix, magic in network order, sizes and offsets, and hashes for filters."""


class OwnNetwork:
    """One thread in a network namespace of its own; what it starts is there as well."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread

    def run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return self._thread.submit(function, *arguments, **named).result(timeout=60)

    def tell(self, action: str, address: str) -> None:
        """What udev says when a PCI device of this machine is added or removed."""
        self.run(_send, _message(action, Path("/sys/bus/pci/devices", address).resolve()))


@contextmanager
def own_network() -> Iterator[OwnNetwork]:
    with ThreadPoolExecutor(max_workers=1, initializer=_leave_network) as thread:
        yield OwnNetwork(thread)


def _leave_network() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: a network namespace needs root")


def _message(action: str, device: Path) -> bytes:
    told = {"ACTION": action, "DEVPATH": str(device).removeprefix("/sys"), "SUBSYSTEM": "pci", "SEQNUM": "1"}
    facts = [f"{key}={value}" for key, value in told.items()] + (device / "uevent").read_text().splitlines()
    properties = b"".join(fact.encode() + b"\0" for fact in facts)
    sizes = (_HEADER.size, _HEADER.size, len(properties))
    return _HEADER.pack(b"libudev\0", socket.htonl(_MAGIC), *sizes, 0, 0, 0, 0) + properties


def _send(message: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _KOBJECT_UEVENT) as udev:
        udev.bind((0, 0))
        udev.sendto(message, (0, _UDEV_GROUP))
