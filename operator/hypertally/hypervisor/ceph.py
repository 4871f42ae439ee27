"""The Ceph pool that holds the guests' images, by one `ceph` process an audit at most.

Nova shows the cluster's raw bytes as total beside a free that is divided by the number of copies already. Here all
three are bytes of guests' data: the cluster's raw bytes divided by the pool's copies, what the pool still takes, and
what is stored in it once. The total is not "stored + what it still takes": that moves with every other pool's writes.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from .back_end import BackEnd
from .command import run
from .facts import DiskSpace, Unread

_COMMANDS = "df\nosd pool ls detail\n"
"""Read from its standard input, so that one process, which takes half a second to load, answers both."""
_REPLICATED = 1
"""Ceph's number of that kind of pool; rbd's images need one of it."""


class _Stats(msgspec.Struct):
    total_bytes: int


class _PoolStats(msgspec.Struct):
    max_avail: int
    bytes_used: int
    """Raw since Ceph 14, with all copies."""
    stored: int | None = None
    """Since Ceph 14: without copies."""


class _Pool(msgspec.Struct):
    name: str
    stats: _PoolStats


class _Usage(msgspec.Struct):
    """`ceph df`"""

    stats: _Stats
    pools: list[_Pool]


class _PoolDetail(msgspec.Struct):
    """One of `ceph osd pool ls detail`; `size` is the number of copies."""

    pool_name: str
    type: int
    size: int


def look_at_pool(back_end: BackEnd) -> DiskSpace | Unread:
    if not back_end.ceph_conf.is_file():
        return Unread(f"{back_end.ceph_conf} is not here; set another ceph conf")
    user = ("--id", back_end.ceph_user) if back_end.ceph_user else ()
    command = ["ceph", "--conf", str(back_end.ceph_conf), *user, "--connect-timeout", "5", "--format", "json"]
    answer = run(command, "ceph-common", stdin=_COMMANDS)
    return answer if isinstance(answer, Unread) else read_pool(answer, back_end.rbd_pool)


def read_pool(answer: str, name: str) -> DiskSpace | Unread:
    """`answer` is the two JSON documents, one after the other."""
    try:
        usage, pools = _documents(answer)
        whole = msgspec.convert(usage, _Usage)
        details = msgspec.convert(pools, list[_PoolDetail])
    except (ValueError, RecursionError) as error:
        return Unread(f"ceph: its answer cannot be read ({type(error).__name__}: {str(error)[:100]})")
    found = {pool.name: pool.stats for pool in whole.pools}
    detail = {pool.pool_name: pool for pool in details}
    if name not in found or name not in detail:
        return Unread(f"ceph: there is no pool {name!r}; it has {', '.join(sorted(found)[:10]) or 'none'}")
    return _space(whole.stats.total_bytes, found[name], detail[name])


def _documents(answer: str) -> Iterator[Mapping[str, Any] | list[Any]]:
    decoder, rest = json.JSONDecoder(), answer.lstrip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].lstrip()


def _space(raw_bytes: int, stats: _PoolStats, pool: _PoolDetail) -> DiskSpace | Unread:
    if pool.type != _REPLICATED or pool.size < 1:
        return Unread(
            f"ceph: pool {pool.pool_name!r} is not replicated; name the replicated pool that holds the images' headers"
        )
    used = stats.bytes_used if stats.stored is None else stats.stored
    return DiskSpace(total=max(0, raw_bytes) // pool.size, free=max(0, stats.max_avail), used=max(0, used))
