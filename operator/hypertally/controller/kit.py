"""What every reconciler works with."""

from collections.abc import Callable
from dataclasses import dataclass

from hypertally.kube.aio import AsyncKubeClient

from .cache import Cache
from .events import Events
from .reads import LiveReads


@dataclass(frozen=True)
class Kit:
    """`now` gives the wall clock as RFC 3339, for transition times only."""

    client: AsyncKubeClient
    reads: LiveReads
    cache: Cache
    events: Events
    now: Callable[[], str]
