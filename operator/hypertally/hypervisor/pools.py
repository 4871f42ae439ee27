"""Asks libvirt for its storage pools, which may hang while libvirt refreshes a pool on a dead server."""

from dataclasses import dataclass
from typing import Any

import libvirt

from .connection import Connection
from .errors import CallFailed, CallUnsupported, DaemonAbsent, PoolGone
from .facts import Absent, PoolFacts, Unread

PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class ListedPool:
    uuid: str
    name: str
    active: bool
    handle: Any


def look_at_pools(connection: Connection) -> tuple[PoolFacts, ...] | Unread | None:
    """None where there is no storage driver. Raises HypervisorUnavailable."""
    return connection.storage_pools.look(
        "libvirt's storage pools", lambda: _pools(connection), patience=PATIENCE_SECONDS
    )


def _pools(connection: Connection) -> tuple[PoolFacts, ...] | Unread | None:
    try:
        listed = list_pools(connection)
    except CallUnsupported:
        return None
    except DaemonAbsent as error:
        return Absent(str(error))
    except CallFailed as error:
        return Unread(str(error))
    found = (_pool(connection, pool) for pool in listed)
    return tuple(pool for pool in found if pool)


def _pool(connection: Connection, pool: ListedPool) -> PoolFacts | None:
    """None for a pool that vanished between the two questions."""
    try:
        return PoolFacts(pool.uuid, pool.name, pool.active, str(connection.ask_beside(pool.handle.XMLDesc, 0)))
    except PoolGone:
        return None
    except CallFailed as error:
        return PoolFacts(pool.uuid, pool.name, pool.active, Unread(str(error)))


def list_pools(connection: Connection) -> list[ListedPool]:
    """Those that are not started as well."""
    active: int = libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE
    inactive: int = libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE
    return [
        ListedPool(str(pool.UUIDString()).lower(), str(pool.name()), is_active, pool)
        for flags, is_active in ((active, True), (inactive, False))
        for pool in connection.ask_beside(connection.handle.listAllStoragePools, flags)
    ]
