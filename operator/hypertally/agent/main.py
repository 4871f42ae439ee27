"""`hypertally-agent`: wiring only."""

import os
import signal
import sys
from collections.abc import Sequence
from threading import Thread
from typing import NoReturn

from hypertally.kube.errors import AccessError
from hypertally.serving.ending import end_process
from hypertally.serving.health import ListenError
from hypertally.serving.logs import configure
from hypertally.serving.options import CHECK_CONFIG, UsageError

from .naming import NodeNameError
from .once import run_once
from .options import AGENT, settings
from .program import Agent
from .settings import Settings

EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Ends the process. Exit codes: 0, 1 and 3 (see `once`), 2 usage, 70 (see `program`)."""
    end_process(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: Sequence[str]) -> int:
    try:
        told = AGENT.read(arguments, os.environ)
        chosen = settings(told)
        if CHECK_CONFIG.key in told.switches:
            told.print()
            return 0
        configure(chosen.log_format, chosen.log_level)
        return run_once(chosen) if chosen.once else _serve(chosen)
    except (UsageError, AccessError, ListenError, NodeNameError) as error:
        print(f"{AGENT.name}: {error}", file=sys.stderr)  # noqa: T201  # to the person who called
        return EXIT_USAGE


def _serve(chosen: Settings) -> int:
    agent = Agent(chosen)
    stop_on_signals(agent)
    return agent.run()


def stop_on_signals(agent: Agent) -> None:
    """A handler runs in the middle of whatever the main thread does, and that may hold the very lock that stopping
    needs: so another thread stops, and waits for that lock as long as it takes."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: Thread(target=agent.stop, name="stop", daemon=True).start())


if __name__ == "__main__":
    main()
