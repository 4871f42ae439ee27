"""`hypertally-controller`: wiring only."""

import asyncio
import os
import signal
import sys
import threading

from hypertally.api.decode import MalformedObject
from hypertally.api.names import CONTROLLER_MANAGER
from hypertally.kube.access import find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session
from hypertally.kube.errors import AccessError, KubeError
from hypertally.kube.kinds import LEASE, Ref
from hypertally.serving.ending import end_process
from hypertally.serving.health import HealthServer, ListenError, Probes
from hypertally.serving.logs import configure
from hypertally.serving.options import CHECK_CONFIG, UsageError

from .controller import Controller
from .election import Election, lead, unique_identity
from .errands import Errand, errand
from .explain import explain, question
from .options import CONTROLLER, settings
from .settings import Settings
from .watch import KopfWatch

EXIT_REFUSED, EXIT_USAGE, EXIT_LOST = 1, 2, os.EX_TEMPFAIL
_ENDING_SECONDS = 10.0


def main() -> None:
    """Exit codes: 0 when asked to end, 1 when the API server refuses or `verify` finds something, 2 for what only the
    caller can mend, 75 when it no longer leads, so that whatever runs it starts it anew."""
    try:
        asked = errand(sys.argv[1:]) or question(sys.argv[1:])
        told = CONTROLLER.read(asked.flags if asked else sys.argv[1:], os.environ)
        if CHECK_CONFIG.key in told.switches:
            told.print()
        elif isinstance(asked, Errand):
            sys.exit(asyncio.run(_do(settings(told), asked)))
        elif asked:
            asyncio.run(_explain(settings(told), asked.name))
        else:
            _serve_until_stopped(settings(told))
    except (UsageError, AccessError, ListenError) as error:
        _end(EXIT_USAGE, error)
    except (KubeError, MalformedObject) as error:
        _end(EXIT_REFUSED, error)


def _end(code: int, error: Exception) -> None:
    print(f"{CONTROLLER.name}: {error}", file=sys.stderr)  # noqa: T201  # to the person who called
    sys.exit(code)


async def _explain(chosen: Settings, name: str) -> None:
    access = find_access(chosen.kubeconfig, chosen.context)
    async with open_session(access, CONTROLLER_MANAGER) as session:
        client = AsyncKubeClient(access, session, CONTROLLER_MANAGER, Deadlines())
        for line in await explain(client, chosen, name):
            print(line)  # noqa: T201  # to the person who called


async def _do(chosen: Settings, asked: Errand) -> int:
    access = find_access(chosen.kubeconfig, chosen.context)
    async with open_session(access, CONTROLLER_MANAGER) as session:
        found = await asked.run(AsyncKubeClient(access, session, CONTROLLER_MANAGER, Deadlines()), chosen)
    print("\n".join(found.lines))  # noqa: T201  # to the person who called
    return 0 if found.good else EXIT_REFUSED


def _serve_until_stopped(chosen: Settings) -> None:
    configure(chosen.log_format, chosen.log_level)
    end_process(asyncio.run(_run(chosen)))


async def _run(chosen: Settings) -> int:
    stop = _stop_on_signals()
    access = find_access(chosen.kubeconfig, chosen.context)
    async with open_session(access, CONTROLLER_MANAGER) as session:
        client = AsyncKubeClient(access, session, CONTROLLER_MANAGER, Deadlines())
        controller, election = Controller(client, chosen), _election(client, chosen)
        server = _serve(controller, election, chosen)
        try:
            if await controller.start(stop):
                async with controller.watching():
                    with KopfWatch(access, controller.watched()) as watch:
                        controller.hearing = watch.complaints
                        return await _work(controller, election, stop)
        finally:
            if server:
                server.close()
    return 0


def _election(client: AsyncKubeClient, chosen: Settings) -> Election | None:
    ref = Ref(LEASE, chosen.leader_lease_name, chosen.lease_namespace)
    return Election(client, ref, unique_identity()) if chosen.leader_elect else None


async def _work(controller: Controller, election: Election | None, stop: asyncio.Event) -> int:
    if election is None:
        async with controller.leading():
            await stop.wait()
        return 0
    if await lead(election, stop, controller.leading):
        return 0
    _end_in_time(EXIT_LOST)
    return EXIT_LOST


def _stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT; from then on the process has some seconds, whatever still hangs."""
    stop = asyncio.Event()

    def begin() -> None:
        stop.set()
        _end_in_time(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, begin)
    return stop


def _end_in_time(code: int) -> None:
    deadline = threading.Timer(_ENDING_SECONDS, os._exit, [code])
    deadline.daemon = True
    deadline.start()


def _serve(controller: Controller, election: Election | None, chosen: Settings) -> HealthServer | None:
    if chosen.listen is None:
        return None
    if election is not None:
        controller.standing = election.complaints
    probes = Probes(live=controller.complaints_live, ready=controller.complaints_ready)
    return HealthServer(chosen.listen, probes, controller.metrics.registry).start()
