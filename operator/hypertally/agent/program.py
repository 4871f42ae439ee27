"""The agent as a whole: a loop for each connection, the Lease, the health server; and their end within 5 s."""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

from hypertally.api.names import AGENT_MANAGER
from hypertally.kube.access import find_access
from hypertally.kube.client import KubeClient
from hypertally.kube.kinds import LEASE, Ref
from hypertally.serving.health import HealthServer, Probes

from .auditor import Auditor
from .deadline import Deadlines, TooManyHanging
from .host import LibvirtHost
from .lease import LeaseKeeper
from .loop import HostLoop
from .metrics import AgentMetrics
from .naming import compute_node_name
from .observer import Observer
from .publisher import Publisher
from .reporter import Reporter
from .roster import Roster
from .schema_watch import SchemaWatch
from .settings import Settings
from .shared import Shared
from .tenure import seat
from .timer import AuditTimer

EXIT_HANGING = 70
"""So many calls to libvirt hang that only a new process helps: the kubelet starts one."""

MOST_HANGING = 16
"""With the pauses between tries that is more than ten minutes of a frozen libvirt: longer than the kubelet remembers
a crash, so it restarts the agent at once, and other connections and the Lease lose a second."""

_STOP_SECONDS = 3.0
_SIGNAL_SECONDS = 1.0

log = logging.getLogger(__name__)


class Agent:
    """Everything is made here and nothing runs yet. Raises AccessError, NodeNameError or ListenError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = KubeClient(find_access(settings.kubeconfig, settings.context), AGENT_MANAGER)
        self._shared = Shared(settings.compare_interval, metrics=AgentMetrics(settings.metrics_guests))
        self._deadlines = Deadlines(MOST_HANGING)
        self._shared.metrics.watch_hanging(lambda: self._deadlines.hanging)
        self._shared.metrics.watch_ready(lambda: not self._unready())
        self._loops = [self._loop(rank) for rank in range(len(settings.connections))]
        lease = Ref(LEASE, settings.node_name, settings.lease_namespace)
        place = seat([spec.uri for spec in settings.connections])
        self._lease = LeaseKeeper(self._client, lease, settings.lease_interval, self._shared, place)
        self._roster = Roster(self._client, settings.node_name, [loop.node for loop in self._loops], self._shared)
        self._schema = SchemaWatch(self._client, self._shared)
        self._stopping, self._exit_code = Event(), 0
        self._health = self._serve()

    def stop(self) -> None:
        """Returns at once; not from a signal handler, which may have interrupted who holds the event's lock."""
        self._stopping.set()

    def run(self) -> int:
        """Until stopped; the exit code."""
        threads = [self._thread(f"host {loop.node}", loop.run) for loop in self._loops]
        threads += [self._thread("lease", self._lease.run), self._thread("roster", self._roster.run)]
        threads.append(self._thread("schema", self._schema.run))
        log.info("serving %s", ", ".join(loop.node for loop in self._loops))
        # The kernel may hand a signal to another thread: Python notes it then, and runs the handler once the main
        # thread comes back to its own code, which it would never do out of a wait without an end.
        while not self._stopping.wait(_SIGNAL_SECONDS):
            pass
        self._lease.stop()
        self._roster.stop()
        self._schema.stop()
        for loop in self._loops:
            loop.stop()
        self._await(threads)
        if self._health:
            self._health.close()
        return self._exit_code

    def _loop(self, rank: int) -> HostLoop:
        settings, spec = self._settings, self._settings.connections[rank]
        node = compute_node_name(settings.node_name, spec.name or "")
        host = LibvirtHost(spec, settings.audit)
        observer = Observer(host, self._deadlines, settings.libvirt_timeout, lambda: loop.wake())  # noqa: PLW0108  # made below
        auditor = Auditor(node, observer, AuditTimer(settings.interval, self._shared.chance), self._shared)
        publisher = Publisher(self._client, node, settings.node_name, self._shared.wall)
        reporter = Reporter(rank, spec.uri, publisher, self._shared)
        # A round asks libvirt up to eight times and the API server up to seven.
        loop = HostLoop(node, auditor, reporter, 120 + 8 * settings.libvirt_timeout, self._shared)
        return loop

    def _serve(self) -> HealthServer | None:
        if self._settings.listen is None:
            return None
        server = HealthServer(self._settings.listen, Probes(self._dead, self._unready), self._shared.metrics.registry)
        log.info("health and metrics are served", extra={"port": server.port})
        return server.start()

    def _dead(self) -> Sequence[str]:
        beats = [*(loop.heartbeat for loop in self._loops), self._lease.heartbeat, self._roster.heartbeat]
        return [line for beat in beats for line in beat.complaints()]

    def _unready(self) -> Sequence[str]:
        audits = (line for loop in self._loops for line in loop.auditor.complaints())
        return [*self._shared.tenure.complaints(), *self._schema.complaints(), *audits]

    def _thread(self, name: str, function: Callable[[], None]) -> Thread:
        # A daemon: a thread that hangs in libvirt must not keep the process from its end.
        thread = Thread(target=self._guarded, args=(function,), name=name, daemon=True)
        thread.start()
        return thread

    def _guarded(self, function: Callable[[], None]) -> None:
        try:
            function()
        except TooManyHanging as error:
            log.error("%s: ending, so that a new process can start over", error)  # noqa: TRY400  # no bug of ours
            self._exit_code = EXIT_HANGING
            self._stopping.set()
        except Exception:
            log.exception("a thread of the agent failed: ending, so that a new process can start over")
            self._exit_code = EXIT_HANGING
            self._stopping.set()

    def _await(self, threads: Sequence[Thread]) -> None:
        end = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if hanging := [thread.name for thread in threads if thread.is_alive()]:
            log.warning("not waiting any longer for: %s", ", ".join(hanging))
