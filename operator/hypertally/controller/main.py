"""`hypertally-controller`: wiring only."""

import asyncio
import sys

from hypertally.api.names import CONTROLLER_MANAGER
from hypertally.kube.access import Access, find_access
from hypertally.kube.aio import AsyncKubeClient, Deadlines, open_session
from hypertally.kube.errors import AccessError, KubeError
from hypertally.serving.health import Address, HealthServer, ListenError, Probes
from hypertally.serving.logs import configure

from . import watch
from .controller import Controller
from .options import parse
from .settings import Settings

EXIT_USAGE = 2


def main() -> None:
    """Exit codes: 0 when asked to end, 1 when the API server refuses, 2 for what only the caller can mend."""
    settings = parse(sys.argv[1:])
    configure(settings.log_format, settings.log_level)
    try:
        asyncio.run(_run(settings))
    except (AccessError, ListenError) as error:
        print(f"hypertally-controller: {error}", file=sys.stderr)  # noqa: T201  # to the person who called
        sys.exit(EXIT_USAGE)
    except KubeError as error:
        sys.exit(f"hypertally-controller: {error}")


async def _run(settings: Settings) -> None:
    access = find_access(settings.kubeconfig, settings.context)
    async with open_session(access, CONTROLLER_MANAGER) as session:
        controller = Controller(AsyncKubeClient(access, session, CONTROLLER_MANAGER, Deadlines()), settings)
        server = _serve(controller, settings)
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


def _serve(controller: Controller, settings: Settings) -> HealthServer | None:
    if not settings.listen:
        return None
    probes = Probes(live=controller.complaints_live, ready=controller.complaints_ready)
    return HealthServer(Address.parse(settings.listen), probes, controller.metrics.registry).start()
