"""Two real hosts with real guests, a node of three test hosts, their agents, two controllers and their API server."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from devcluster import Cluster, wait_until
from devcluster.process import Launcher, Process
from devhost import Host
from tests.support import shipped

from .client import Api, Object
from .clock import clock_environment, set_clock
from .parts import Daemon, Kept, Part, SomeGuest, tended
from .plan import AGENTS, CONTROLLERS, HOSTS, PROGRAMS
from .proxy import Proxy, running_proxy
from .tokens import Tokens

ROOT = Path(__file__).resolve().parents[2]
CRDS, DEPLOY = ROOT / "crds", ROOT / "deploy"
LAB = ("lab", "lab--b", "lab--c")
NODES = (*HOSTS, *LAB)
"""The ComputeNodes whose agents run."""

AUDIT_SECONDS = 1.0
COLLECT_SECONDS = 2.0
UP_SECONDS = 180.0

_COMMON = {"listen": "", "log-format": "text"}
_CONTROLLER = {"resync-interval": 5, "agent-grace": 10, "collect-interval": COLLECT_SECONDS, "keep-vanished": 5}
_AGENT = {"interval": AUDIT_SECONDS, "lease-interval": 1, "compare-interval": 2, "libvirt-timeout": 5}
_LAB_CPUS = "8-15"
_TRACE = b"Traceback"


@dataclass
class World:
    """Everything that runs, by the names that a plan uses."""

    cluster: Cluster
    hosts: Mapping[str, Host]
    proxies: Mapping[str, Proxy]
    tokens: Tokens
    folder: Path
    parts: dict[str, Part] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.api = Api(self.cluster)

    @property
    def kept(self) -> list[Kept]:
        return [part for part in self.parts.values() if isinstance(part, Kept)]

    @property
    def programs(self) -> dict[str, Kept]:
        return {name: part for name, part in self.parts.items() if name in PROGRAMS and isinstance(part, Kept)}

    def set_clock(self, program: str, seconds: int) -> None:
        set_clock(self._clock(program), seconds)

    def elect(self, *, leader: bool) -> None:
        """Whether one controller works or both, once they are started again."""
        for name in CONTROLLERS:
            self._configure(name, {**_COMMON, **_CONTROLLER, "leader-elect": "true" if leader else "false"})

    def restart_controllers(self) -> None:
        for name in CONTROLLERS:
            self.parts[name].stop()
            self.parts[name].start()

    def traces(self) -> list[str]:
        """Ends of logs in which a program shows a stack: none ever should."""
        logs = {name: part.process.log.read_bytes() for name, part in self.programs.items()}
        return [f"{name} says: {log[-3000:].decode(errors='replace')}" for name, log in logs.items() if _TRACE in log]

    def prepare(self, launcher: Launcher) -> None:
        """Makes every part of the world; none of the two programs runs yet."""
        self.elect(leader=True)
        for name in AGENTS:
            self._configure(name, {**_COMMON, **_AGENT, **self._connections(name.removeprefix("agent-"))})
        for name in PROGRAMS:
            self.set_clock(name, 0)
            self.parts[name] = Kept(self._process(name, launcher))
        self.parts["apiserver"], self.parts["etcd"] = Kept(self.cluster.apiserver), Kept(self.cluster.etcd)
        for name, host in self.hosts.items():
            self.parts[f"libvirtd-{name}"], self.parts[f"guest-{name}"] = Daemon(host), SomeGuest(host)

    def _process(self, name: str, launcher: Launcher) -> Process:
        module = "hypertally.controller" if name in CONTROLLERS else "hypertally.agent.main"
        environment = [f"{key}={value}" for key, value in clock_environment(self._clock(name)).items()]
        command = ["env", *environment, *shipped.command(module), "--config", str(self._settings(name))]
        return Process(name, command, launcher=launcher, log=self.folder / f"{name}.log", ready=lambda: True)

    def _connections(self, node: str) -> Object:
        if node in self.hosts:
            host = self.hosts[node]
            return {"node-name": node, "connection": [host.uri], "instances-path": str(host.images)}
        # What stands after the question mark means nothing to the driver, and makes them three hosts to the agent.
        uris = ["test:///default", "b=test:///default?b=1", "c=test:///default?c=1"]
        return {
            "node-name": node, "connection": uris, "instances-path": str(self.folder), "cpu-dedicated-set": _LAB_CPUS,
            "cpu-shared-set": "0-7",
        }  # fmt: skip

    def _configure(self, name: str, settings: Object) -> None:
        settings = {**settings, "kubeconfig": str(self.tokens.kubeconfig(name, self.proxies[name].port))}
        self._settings(name).write_text(yaml.safe_dump(settings))

    def _settings(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"

    def _clock(self, name: str) -> Path:
        return self.folder / f"{name}.clock"


@contextmanager
def running_world(folder: Path, seed: int) -> Iterator[World]:
    """Everything is up and every ComputeNode is Ready. What fails leaves the logs in `folder`; nothing else stays."""
    with ExitStack() as ending:
        cluster = ending.enter_context(Cluster.start("chaos", may_build=False, seconds=UP_SECONDS))
        cluster.apply(CRDS, DEPLOY)
        hosts = {name: ending.enter_context(Host.start(name)) for name in HOSTS}
        proxies = {
            name: ending.enter_context(running_proxy(cluster, seed + number)) for number, name in enumerate(PROGRAMS)
        }
        launcher = Launcher()
        ending.callback(launcher.close)
        world = World(cluster, hosts, proxies, Tokens(cluster, folder), folder)
        world.prepare(launcher)
        for part in world.programs.values():
            ending.callback(part.kill)
            part.start()
        for part in world.kept:
            ending.enter_context(tended(part))
        wait_until(lambda: _are_ready(world.api), seconds=UP_SECONDS, what=f"ComputeNodes {NODES} to be Ready")
        yield world


def _are_ready(api: Api) -> bool:
    found = {node["metadata"]["name"]: node for node in api.list("computenodes").body.get("items", [])}
    return all(is_ready(found.get(name, {})) for name in NODES)


def is_ready(node: Object) -> bool:
    return says(node, "Ready")


def says(node: Object, type_: str) -> bool:
    return any(c["type"] == type_ and c["status"] == "True" for c in node.get("status", {}).get("conditions", []))
