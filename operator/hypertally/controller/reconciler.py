"""One task of the queue, and what an error means for it."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from hypertally.api.decode import MalformedObject
from hypertally.kube.errors import Conflict, Invalid, KubeError, NotFound
from hypertally.serving.logs import about

from .metrics import Metrics
from .queue import Again, Subject, Task

log = logging.getLogger(__name__)

Reconcile = Callable[[str], Awaitable[None]]


class Reconciler:
    """Answers the queue whether a task is to come again. Nothing that one object does stops the others."""

    def __init__(self, by_subject: Mapping[Subject, Reconcile], metrics: Metrics) -> None:
        self._by_subject = by_subject
        self._metrics = metrics

    async def __call__(self, task: Task) -> Again | None:
        began = time.monotonic()
        result, again = await self._try(task)
        self._metrics.reconciled(task.subject, result, time.monotonic() - began)
        return again

    async def _try(self, task: Task) -> tuple[str, Again | None]:
        extra = about(task.subject.value, task.key)
        try:
            await self._by_subject[task.subject](task.key)
        except (Conflict, Invalid, NotFound) as error:
            # A failed test of a JSON patch is a 422 that says no more than this: somebody else wrote, read again.
            expected = not isinstance(error, Invalid) or "rejected our request" in str(error)
            level = logging.DEBUG if expected else logging.WARNING
            log.log(level, "%s %s is read again: %s", task.subject, task.key, error, extra=extra)
            return "conflict" if expected else "invalid", Again()
        except KubeError as error:
            log.warning("%s %s waits: %s", task.subject, task.key, error, extra=extra)
            return "error", Again(error.retry_after)
        except MalformedObject as error:
            log.error("left as it is until it is mended: %s", error, extra=extra)  # noqa: TRY400  # one line, no trace
            return "malformed", None
        except Exception:
            log.exception("%s %s cannot be reconciled", task.subject, task.key, extra=extra)
            return "error", Again()
        return "success", None
