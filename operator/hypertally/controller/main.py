"""`hypertally-controller`: wiring only."""

import asyncio
import os
import sys

from hypertally.api.names import CONTROLLER_MANAGER
from hypertally.kube.access import Access, find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session
from hypertally.kube.errors import KubeError
from hypertally.serving.health import HealthServer, ListenError, Probes
from hypertally.serving.logs import configure
from hypertally.serving.options import CHECK_CONFIG, UsageError

from . import watch
from .controller import Controller
from .options import CONTROLLER, settings
from .settings import Settings

_EXIT_USAGE = 2


def main() -> None:
    try:
        told = CONTROLLER.read(sys.argv[1:], os.environ)
    except UsageError as error:
        print(f"{CONTROLLER.name}: {error}", file=sys.stderr)  # noqa: T201  # to the person who called
        sys.exit(_EXIT_USAGE)
    if CHECK_CONFIG.key in told.switches:
        told.print()
        return
    _serve_until_stopped(settings(told))


def _serve_until_stopped(chosen: Settings) -> None:
    configure(chosen.log_format, chosen.log_level)
    try:
        asyncio.run(_run(chosen))
    except (KubeError, ListenError) as error:
        sys.exit(f"{CONTROLLER.name}: {error}")


async def _run(chosen: Settings) -> None:
    access = find_access(chosen.kubeconfig, chosen.context)
    async with open_session(access, CONTROLLER_MANAGER) as session:
        controller = Controller(AsyncKubeClient(access, session, CONTROLLER_MANAGER, Deadlines()), chosen)
        server = _serve(controller, chosen)
        try:
            await controller.start()
            async with controller.running():
                await _watch(access, controller)
        finally:
            if server:
                server.close()


async def _watch(access: Access, controller: Controller) -> None:
    cache = controller.cache
    async with open_session(access, CONTROLLER_MANAGER) as session:
        await watch.run(watch.registry(access, session, cache.instances, cache.migrations))


def _serve(controller: Controller, chosen: Settings) -> HealthServer | None:
    if chosen.listen is None:
        return None
    probes = Probes(live=controller.complaints_live, ready=controller.complaints_ready)
    return HealthServer(chosen.listen, probes, controller.metrics.registry).start()
