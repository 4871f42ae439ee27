"""Asks libvirt for its storage pools, which may hang while libvirt refreshes a pool on a dead server."""

from .connection import Connection, ListedPool
from .errors import CallFailed, CallUnsupported, PoolGone
from .facts import PoolFacts, Unread

PATIENCE_SECONDS = 5.0


def look_at_pools(connection: Connection) -> tuple[PoolFacts, ...] | Unread | None:
    """None where there is no storage driver. Raises HypervisorUnavailable."""
    return connection.storage_pools.look(
        "libvirt's storage pools", lambda: _pools(connection), patience=PATIENCE_SECONDS
    )


def _pools(connection: Connection) -> tuple[PoolFacts, ...] | Unread | None:
    try:
        listed = connection.pools()
    except CallUnsupported:
        return None
    except CallFailed as error:
        return Unread(str(error))
    found = (_pool(connection, pool) for pool in listed)
    return tuple(pool for pool in found if pool)


def _pool(connection: Connection, pool: ListedPool) -> PoolFacts | None:
    """None for a pool that vanished between the two questions."""
    try:
        return PoolFacts(pool.uuid, pool.name, pool.active, connection.pool_document(pool))
    except PoolGone:
        return None
    except CallFailed as error:
        return PoolFacts(pool.uuid, pool.name, pool.active, Unread(str(error)))
