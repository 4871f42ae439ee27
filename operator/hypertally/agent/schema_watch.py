"""Whether the CRDs know everything that this agent reports.

Where they do not, the API server refuses the report, and the agent is not ready. So an upgrade stops at the first
agents, and the others go on as they are. It does not end: it serves the metrics of its guests, and reports once the
CRDs are there.
"""

import logging
from collections.abc import Sequence
from threading import Event
from typing import Any, Protocol

from hypertally.api.compute_node import ComputeNode
from hypertally.kube.errors import Forbidden, KubeError, SchemaOutdated
from hypertally.kube.kinds import COMPUTE_NODE
from hypertally.kube.schema import require_fields

from .backoff import Backoff
from .complaints import Complaint
from .shared import Shared

log = logging.getLogger(__name__)


class Server(Protocol):
    """The part of KubeClient that is used."""

    def schema(self) -> dict[str, Any]: ...


class SchemaWatch:
    """`run` belongs into a thread of its own; it ends once the schema is known to do."""

    def __init__(self, server: Server, shared: Shared) -> None:
        self._server = server
        self._stopping = Event()
        self._backoff = Backoff(shared.chance)
        self._trouble = Complaint(log, shared.clock)

    def run(self) -> None:
        while not self._is_known() and not self._stopping.wait(self._backoff.delay()):
            pass

    def stop(self) -> None:
        self._stopping.set()

    def complaints(self) -> Sequence[str]:
        return (self._trouble.text,) if self._trouble.text else ()

    def _is_known(self) -> bool:
        """An API server that is away tells nothing; the parts that write tell that."""
        try:
            require_fields(self._server.schema(), {COMPUTE_NODE: ComputeNode})
        except SchemaOutdated as error:
            self._trouble.say(str(error), logging.ERROR)
            return False
        except Forbidden as error:
            log.warning("whether the CRDs are as new as this program cannot be told: %s", error)
        except KubeError:
            return False
        self._trouble.over("the CRDs have all fields now")
        return True
