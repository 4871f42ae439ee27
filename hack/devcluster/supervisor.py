"""The process that keeps a named cluster up, and what starts and ends it from a shell."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from devcluster.cluster import START_DEADLINE, Cluster
from devcluster.errors import ClusterError, DeadlineError
from devcluster.locks import hold
from devcluster.pins import MODULE
from devcluster.process import TAIL_LINES, Process
from devcluster.programs import find_programs
from devcluster.progress import Progress
from devcluster.state import Facts, Home
from devcluster.waiting import wait_until

#: Seconds for a supervisor to end after it was asked to.
STOP_DEADLINE = 20.0

#: Seconds between two looks of the supervisor at its children.
WATCH_INTERVAL = 0.5


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a named cluster."""

    crds: tuple[Path, ...] = ()
    audit: bool = False
    apiserver_args: tuple[str, ...] = ()

    def as_arguments(self) -> list[str]:
        """The command line that says the same."""
        arguments = ["--audit"] if self.audit else []
        arguments += [f"--crds={path.resolve()}" for path in self.crds]
        return arguments + [f"--apiserver-arg={argument}" for argument in self.apiserver_args]


def supervise(home: Home, wish: Wish, progress: Progress) -> None:
    """Start the cluster and keep it up until SIGTERM or SIGINT, then remove all of it.

    ClusterError when the name is taken, or when a program of the cluster ends by itself: then its logs stay.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home.path.mkdir(parents=True, exist_ok=True)
    with hold(home.lock), suppress(KeyboardInterrupt):
        home.forget()
        home.data.mkdir()
        with Cluster.start(
            home.name, directory=home.data, progress=progress,
            audit=wish.audit, extra_apiserver_args=wish.apiserver_args,
        ) as cluster:  # fmt: skip
            cluster.apply(*wish.crds)
            home.publish(_facts(cluster))
            progress.say(f"cluster {home.name} is ready at {cluster.url}")
            _watch((cluster.etcd, cluster.apiserver))
    shutil.rmtree(home.path, ignore_errors=True)


def _facts(cluster: Cluster) -> Facts:
    programs = str(cluster.programs.kubectl.path.parent)
    return Facts(os.getpid(), cluster.url, str(cluster.kubeconfig), programs, time.time())


def _watch(processes: Iterable[Process]) -> NoReturn:
    while True:
        for process in processes:
            if not process.is_running():
                raise process.error("ended by itself")
        time.sleep(WATCH_INTERVAL)


def start(home: Home, wish: Wish, progress: Progress) -> Facts:
    """A cluster with that name that outlives this process; the one that is up already, if there is one."""
    if home.is_supervised():
        progress.say(f"cluster {home.name} is up already")
        return _wait_for_facts(home, None)
    # Found, or built, here: the person at the terminal sees how far it is.
    find_programs(progress=progress)
    progress.say(f"starting cluster {home.name}")
    home.path.mkdir(parents=True, exist_ok=True)
    with home.log.open("w") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "devcluster", "up", "--foreground", "--name", home.name, *wish.as_arguments()],
            env={**os.environ, "PYTHONPATH": str(MODULE.parent)}, cwd="/",
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    return _wait_for_facts(home, supervisor)


def _wait_for_facts(home: Home, supervisor: "subprocess.Popen[bytes] | None") -> Facts:
    def done() -> bool:
        return home.facts() is not None or (supervisor is not None and supervisor.poll() is not None)

    wait_until(done, seconds=3 * START_DEADLINE, what=f"cluster {home.name}; its log is {home.log}")
    facts = home.facts()
    if facts is None:
        said = home.log.read_text(errors="replace").splitlines()[-2 * TAIL_LINES :]
        raise ClusterError("\n".join([f"cluster {home.name} did not come up:", *said]))
    return facts


def stop(home: Home) -> None:
    """End the cluster with that name and remove what it left; ClusterError when there is none."""
    if not home.path.exists():
        raise ClusterError(f"there is no cluster {home.name}: make cluster-status lists them")
    if facts := home.facts():
        _end(home, facts.pid)
    elif home.is_supervised():
        raise ClusterError(f"cluster {home.name} is still starting: try again when it is up; its log is {home.log}")
    shutil.rmtree(home.path, ignore_errors=True)


def _end(home: Home, pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    try:
        wait_until(lambda: not home.is_supervised(), seconds=STOP_DEADLINE, what=f"cluster {home.name} to end")
    except DeadlineError:
        # Its children die with it.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
