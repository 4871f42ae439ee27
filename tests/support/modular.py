"""A host whose libvirt is modular, one daemon of which does not answer; the others are the test driver."""

import os
from collections.abc import Callable
from errno import ENOENT
from typing import Any, NoReturn

import libvirt

from hypertally.hypervisor.connection import Connection
from hypertally.hypervisor.spec import parse_connection

NODE_DEVICES, STORAGE = "virtnodedevd", "virtstoraged"
_CALLS = {
    NODE_DEVICES: ("listAllDevices", "nodeDeviceEventRegisterAny"),
    STORAGE: ("listAllStoragePools", "storagePoolEventRegisterAny"),
}


def refused(daemon: str, number: int = ENOENT) -> Callable[..., NoReturn]:
    """A call that fails with the error, field by field, that libvirt 9.0 makes of a socket that it cannot reach."""

    def refuse(*_: object) -> NoReturn:
        text = f"Failed to connect socket to '/run/libvirt/{daemon}-sock-ro': {os.strerror(number)}"
        error = libvirt.libvirtError(text)
        error.err = (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC, text, 2, "%s", text, None, number, -1)
        raise error

    return refuse


class _Without:
    """The test driver's handle but for some calls."""

    def __init__(self, handle: Any, calls: dict[str, Callable[..., NoReturn]]) -> None:
        self._handle = handle
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._handle, name)


def connection_without(daemon: str, number: int = ENOENT) -> Connection:
    """`number` is the errno of connecting to the daemon."""
    calls = dict.fromkeys(_CALLS[daemon], refused(daemon, number))
    spec = parse_connection("test:///default")
    return Connection(_Without(libvirt.openReadOnly(spec.uri), calls), spec)
