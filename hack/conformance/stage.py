"""Where a check takes place: hosts, Instances and the scheduler, all gone when it is over."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from uuid import uuid4

from devcluster.errors import DeadlineError
from devcluster.waiting import wait_until
from hypertally.api.names import API_VERSION

from .api import INSTANCES_PATH, NAMESPACE, Api, ApiError, Object
from .hosts import Host, Renewals
from .proxy import Bind, Proxy, proxy

_ENDING_SECONDS = 5.0
_SETTLING_SECONDS = 90.0
_LOOK_SECONDS = 0.1


class Broken(Exception):
    """The scheduler does not keep the promise; one line that says what it did."""


@dataclass
class Stage:
    """Of one check. `patience`: seconds that anything may take."""

    api: Api
    proxy: Proxy
    renewals: Renewals
    command: str
    patience: float
    folder: Path
    name: str
    forbidden: dict[str, str] = field(default_factory=dict)
    """Hosts that nothing may be bound to at present, and why."""
    allowed: int = 0
    """The bindings that came before these were forbidden."""
    schedulers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def host(self, label: str, vcpus: int = 2, *, memory_mib: int = 65536, disk_mib: int = 65536) -> Host:
        """One that is Ready and accounted; its name begins with the check's."""
        made = self.record(label, vcpus)
        made.memory_mib, made.disk_mib = memory_mib, disk_mib
        made.report()
        self.settled(lambda: made.ready == "True" and bool(made.ledger), f"{made.name} to be Ready")
        return made

    def record(self, label: str, vcpus: int = 2, *, spec: Object | None = None) -> Host:
        """A ComputeNode that nobody has reported on yet."""
        made = Host(self.api, f"{self.name}-{label}", vcpus)
        made.create(**(spec or {}))
        self.renewals.add(made)
        return made

    def instance(self, vcpus: int = 2, *, node: str = "", disk: str = "rootDiskMiB") -> str:
        """Its name. `node`: bound there by another scheduler. `disk`: the only disk that it has, 256 MiB."""
        name = f"{self.name}-{next(self.numbers)}"
        spec: Object = {"uuid": str(uuid4()), "resources": {"vcpus": vcpus, "memoryMiB": 256, disk: 256}}
        if node:
            spec["computeNodeName"] = node
        body = {"apiVersion": API_VERSION, "kind": "Instance", "metadata": {"name": name}, "spec": spec}
        self.api.create(INSTANCES_PATH, body)
        return name

    def start(self, number: int = 1) -> None:
        """That many schedulers, side by side."""
        kubeconfig = self.proxy.kubeconfig(self.folder / "kubeconfig")
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        for _ in range(number):
            with (self.folder / f"{self.name}.log").open("ab") as log:
                # A session of its own, so that what a shell started ends with it.
                process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", "--", *shlex.split(self.command)],
                    env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            self.schedulers.append(process)

    def home(self, instance: str) -> str:
        """Where it is accounted."""
        return str(self.status(instance).get("computeNodeName", ""))

    def status(self, instance: str) -> Object:
        found = self.api.get(f"{INSTANCES_PATH}/{instance}") or {}
        return dict(found.get("status", {}))

    def wait_home(self, instance: str, *hosts: Host) -> str:
        """Its home, once it has one; Broken if that is none of `hosts`, where any are named."""
        self.until(lambda: bool(self.home(instance)), f"{instance} to be bound and claimed")
        home = self.home(instance)
        if hosts and home not in {host.name for host in hosts}:
            raise Broken(f"{instance} is on {home}; it belongs on {' or '.join(host.name for host in hosts)}")
        return home

    def wait_bound(self, instance: str) -> None:
        """The scheduler has tried."""
        self.until(lambda: any(bind.instance == instance for bind in self.proxy.binds), f"{instance} to be bound")

    @staticmethod
    def settled(holds: Callable[[], bool], what: str) -> None:
        """Of what the controller does, not the scheduler; ApiError when it never does."""
        try:
            wait_until(holds, seconds=_SETTLING_SECONDS, what=what)
        except DeadlineError as error:
            raise ApiError(f"{error}: does the controller run?") from error

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Broken when it never does, or when a scheduler ends by itself."""

        def look() -> bool:
            self.check()
            return holds()

        try:
            wait_until(look, seconds=self.patience, what=what)
        except DeadlineError as error:
            raise Broken(str(error)) from error

    def quiet(self, seconds: float) -> None:
        """Leaves the scheduler time to do what it should not. Told by looks, not by a clock: while a machine stands
        still, nobody does anything."""
        for _ in range(round(seconds / _LOOK_SECONDS)):
            self.check()
            time.sleep(_LOOK_SECONDS)
        self.check()

    def check(self) -> None:
        """Nothing has been done so far that may not be."""
        for bind in self.proxy.binds[self.allowed :]:
            if bind.node in self.forbidden:
                raise Broken(f"it bound {bind.instance} to {bind.node}, {self.forbidden[bind.node]}")
        for process in self.schedulers:
            if process.poll() is not None:
                raise Broken(f"the scheduler ended by itself with status {process.returncode}; its log: {self.log}")

    def forbid(self, hosts: Sequence[Host], why: str) -> None:
        """From now on nothing may be bound to these, and to no others; what came before was allowed."""
        self.check()
        self.allowed = len(self.proxy.binds)
        self.forbidden = {host.name: why for host in hosts}

    def binds_of(self, instance: str) -> list[Bind]:
        return [bind for bind in self.proxy.binds if bind.instance == instance]

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def clear(self) -> None:
        """Schedulers first, so that nobody binds what goes."""
        for process in self.schedulers:
            _end(process)
        for each in self.api.items(INSTANCES_PATH):
            self.api.delete(f"{INSTANCES_PATH}/{each['metadata']['name']}")
        for host in self.renewals.forget():
            host.delete()


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_ENDING_SECONDS)


@contextmanager
def staged(api: Api, command: str, patience: float, folder: Path, name: str) -> Iterator[Stage]:
    """`name`: of the check, and of everything in it."""
    with ExitStack() as ending:
        made = Stage(
            api,
            ending.enter_context(proxy(api.access)),
            ending.enter_context(Renewals()),
            command,
            patience,
            folder,
            f"conformance-{name}",
        )
        ending.callback(made.clear)
        yield made


def make_namespace(api: Api) -> None:
    api.apply(
        f"/api/v1/namespaces/{NAMESPACE}",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
    )
