"""Two real hosts that share their guests' disks, an agent for each, one controller, and a witness of all versions."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from devcluster import CONTROLLER, Cluster, wait_until
from devhost import Host, HostError
from devhost.guest import Size
from hypertally.api.names import AUDITS_ANNOTATION, LEASE_NAMESPACE
from tests.conftest import running_cluster
from tests.e2e.conftest import DEPLOY, Program
from tests.support.fleet import Fleet, find_condition
from tests.support.history import Recorder
from tests.support.samples import Object, amounts, fresh_name
from tests.support.story import AUDITS_BEGUN_LATER, Story, tell

SECONDS = 90.0
"""For what takes a few seconds on an idle machine."""
GRACE = 10.0
"""Of an agent: ten renewals of its Lease."""


@dataclass
class Side:
    """One host and its agent. `name` is the host's, its Kubernetes node's and its ComputeNode's."""

    name: str
    host: Host
    agent: Program


@dataclass(frozen=True)
class Guest:
    """A guest that an Instance stands for; both have its name."""

    name: str
    uuid: str
    spec: Size

    @property
    def size(self) -> Object:
        return size_of(self.spec)


def size_of(spec: Size) -> Object:
    return amounts(spec["vcpus"], spec["memory_mib"], spec["disk_mib"])


def _resources(spec: Size) -> Object:
    return {"vcpus": spec["vcpus"], "memoryMiB": spec["memory_mib"], "rootDiskMiB": spec["disk_mib"]}


@dataclass
class Pair:
    """What a person has at hand who moves guests: virsh on both hosts, and kubectl."""

    cluster: Cluster
    first: Side
    second: Side
    recorder: Recorder

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.cluster)

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.first, self.second

    def node(self, side: Side) -> Object:
        return self.fleet.nodes.get(side.name)

    def now(self) -> int:
        return self.recorder.now()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        wait_until(holds, seconds=SECONDS, what=what)

    def place(self, side: Side, *, ballast_mib: int = 0) -> Guest:
        """A guest that runs on that host, with an Instance that is accounted there."""
        spec = Size(vcpus=1, memory_mib=32 + ballast_mib, disk_mib=8, ballast_mib=ballast_mib)
        name = fresh_name("guest")
        guest = Guest(name, side.host.start_guest(name, **spec), spec)
        self._declare(
            "Instance", name, {"uuid": guest.uuid, "computeNodeName": side.name, "resources": _resources(guest.spec)}
        )
        self.wait_for_home(guest, side)
        self.until(lambda: self.fleet.reason(name, "Placed") == "Running", f"{name} to be seen running")
        return guest

    def wait_for_home(self, guest: Guest, side: Side) -> None:
        def lives_there() -> bool:
            status: Object = self.fleet.instances.get(guest.name).get("status", {})
            return status.get("computeNodeName") == side.name

        self.until(lives_there, f"{guest.name} to be accounted on {side.name}")

    def begin(self, type_: str, guest: Guest, target: Side, resized: Size | None = None) -> str:
        """Declares a move and waits for the word that the target holds the room; from then on the guest may move."""
        name = fresh_name("move")
        spec: Object = {"instanceName": guest.name, "type": type_, "targetComputeNodeName": target.name}
        self._declare("Migration", name, {**spec, **({"resources": _resources(resized)} if resized else {})})
        self.until(lambda: self._says(name, "Claimed"), f"room for {guest.name} on {target.name}")
        return name

    def decide(self, move: str, outcome: str) -> None:
        self.cluster.kubectl("patch", "migration", move, "--type=merge", f"--patch={_outcome(outcome)}")

    def wait_for_phase(self, guest: Guest, phase: str) -> None:
        def reached() -> bool:
            status: Object = self.fleet.instances.get(guest.name).get("status", {})
            return bool(status.get("move", {}).get("phase", "") == phase)

        self.until(reached, f"the move of {guest.name} to be {phase or 'over'}")

    def end(self, guest: Guest, move: str = "") -> Story:
        """The whole of a move, once it is over and the end that is not home has let go."""
        if move:
            self.until(lambda: self._says(move, "Completed"), f"{move} to be Completed")
        self.wait_for_phase(guest, "")
        home = self.fleet.instances.get(guest.name)["status"]["computeNodeName"]
        for side in self.sides:
            self.wait_for_roles(guest, side, *(["Running"] if side.name == home else []))
            if side.name != home:
                self.wait_until_listed(guest, side)
        story = self._story(guest)
        if move:
            target = self.fleet.migrations.get(move)["spec"]["targetComputeNodeName"]
            assert story.first(target, "Incoming") < story.told(move, "Claimed"), "the word came before the room"
        return story

    def wait_for_roles(self, guest: Guest, side: Side, *roles: str) -> None:
        def holds() -> bool:
            claims = self.node(side).get("status", {}).get("ledger", {}).get("claims", [])
            return {c["role"] for c in claims if c["uuid"] == guest.uuid} == set(roles)

        self.until(holds, f"{side.name} to hold {roles or 'nothing'} for {guest.name}")

    def wait_until_listed(self, guest: Guest, side: Side, *states: str) -> None:
        """In one of these states; without any, not at all."""
        self.until(lambda: self.listed(guest, side) in (states or ("",)), f"{guest.name} as {states} on {side.name}")

    def wait_for_proof(self, guest: Guest, side: Side) -> None:
        """Until so many looks began after its claim that an arrival is proven, and as many more."""

        def proven() -> bool:
            claims = self.node(side)["status"]["ledger"]["claims"]
            coming = [c for c in claims if (c["uuid"], c["role"]) == (guest.uuid, "Incoming")]
            assert coming, f"{guest.name} was taken for arrived on {side.name}"
            since = coming[0].get("since")
            return since is not None and self._audit(side) >= since["audit"] + 2 * AUDITS_BEGUN_LATER

        self.until(proven, f"newer looks at {side.name} than the claim for {guest.name}")

    def _audit(self, side: Side) -> int:
        """The number of the last audit that the agent's Lease names."""
        lease = json.loads(self.cluster.kubectl("get", "lease", side.name, f"--namespace={LEASE_NAMESPACE}", "-o=json"))
        return int(json.loads(lease["metadata"]["annotations"][AUDITS_ANNOTATION])[side.name]["audit"])

    def wait_for_charge(self, guest: Guest, side: Side) -> None:
        """Until the ledger has seen a report that lists the guest."""
        self.wait_until_listed(guest, side, "Running", "Paused")
        reported = self.node(side)["status"]["report"]["generation"]

        def seen() -> bool:
            return bool(self.node(side)["status"]["ledger"]["observedReportGeneration"] >= reported)

        self.until(seen, f"{side.name} to be charged for {guest.name}")

    def listed(self, guest: Guest, side: Side) -> str:
        guests = self.node(side).get("status", {}).get("report", {}).get("guests", [])
        return next((g["state"] for g in guests if g["uuid"] == guest.uuid), "")

    def _story(self, guest: Guest) -> Story:
        return tell(self.recorder.states(), guest.uuid, guest.name, [side.name for side in self.sides])

    def clear(self) -> None:
        """Ends every guest, wherever it is."""
        self.cluster.kubectl("delete", "instances,migrations", "--all", "--wait=false")
        for side in self.sides:
            for name in side.host.virsh("list", "--all", "--name").split():
                with suppress(HostError):  # one that is off already
                    side.host.destroy_guest(name)
                side.host.undefine(name)

    def _says(self, move: str, type_: str) -> bool:
        return bool(find_condition(self.fleet.migrations.get(move), type_).get("status") == "True")

    def _declare(self, kind: str, name: str, spec: Object) -> None:
        body = {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.cluster.kubectl("create", "-f", "-", stdin=json.dumps(body))


def _outcome(outcome: str) -> str:
    return json.dumps({"spec": {"outcome": outcome}})


@contextmanager
def running_pair(folder: Path) -> Iterator[Pair]:
    """Two hosts that the controller calls Ready."""
    with ExitStack() as ending:
        cluster = ending.enter_context(running_cluster("moves"))
        cluster.apply(DEPLOY)
        recorder = ending.enter_context(Recorder(cluster, folder / "watch.log"))
        disks = folder / "images"
        disks.mkdir()
        hosts = [ending.enter_context(Host.start(name, images=disks)) for name in ("hv1", "hv2")]
        first, second = (Side(host.name, host, _agent(cluster, host, folder)) for host in hosts)
        programs = [_controller(cluster, folder), first.agent, second.agent]
        for program in programs:
            program.start()
            ending.callback(program.stop)
        pair = Pair(cluster, first, second, recorder)
        for side in pair.sides:
            pair.until(partial(_is_ready, pair, side), f"{side.name} to be Ready")
        yield pair
    for program in programs:
        assert "Traceback" not in program.log.read_text(), program.log.read_text()


def _is_ready(pair: Pair, side: Side) -> bool:
    known = side.name in pair.fleet.nodes.select("")
    return known and find_condition(pair.node(side), "Ready").get("status") == "True"


def _controller(cluster: Cluster, folder: Path) -> Program:
    kubeconfig = str(cluster.kubeconfig_for(CONTROLLER.key))
    options = ["--kubeconfig", kubeconfig, "--listen", "", "--log-format", "text", "--agent-grace", f"{GRACE:g}"]
    return Program("hypertally.controller", options, folder / "controller.log")


def _agent(cluster: Cluster, host: Host, folder: Path) -> Program:
    """Its proofs take seconds, not minutes: it looks and says so every second."""
    kubeconfig = str(cluster.kubeconfig_on(host.name))
    options = ["--kubeconfig", kubeconfig, "--listen", "", "--log-format", "text", "--node-name", host.name]
    pace = ["--interval", "1", "--lease-interval", "1"]
    place = ["--connection", host.uri, "--instances-path", str(host.images)]
    return Program("hypertally.agent.main", [*options, *pace, *place], folder / f"agent-{host.name}.log")
