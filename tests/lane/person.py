"""What a person at a terminal does with the cluster, and what he sees."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devcluster import ClusterError
from devnodes import Lab
from tests.lane.inventory import Thing, everything, is_kept

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "hypertally"
VALUES = Path(__file__).with_name("values.yaml")
NAMESPACE = "hypertally-system"
RELEASE = "hypertally"

Object = dict[str, Any]


class Failed(AssertionError):
    """A command failed; the message is what the person reads."""


@dataclass(frozen=True)
class Person:
    lab: Lab
    helm_program: Path
    before: frozenset[Thing]
    """What the cluster had before anything was installed."""

    def helm(self, *arguments: str | Path) -> str:
        """Raises Failed with what Helm said."""
        return self.run(self.helm_program, *arguments, "--namespace", NAMESPACE)

    def type(self, line: str, folder: Path = ROOT) -> str:
        """A line at a shell, by default in the top folder of the tree; `helm` and `kubectl` are on the path."""
        return self.run("bash", "-euc", line, folder=folder)

    def run(self, *command: str | Path, seconds: float = 300.0, folder: Path = ROOT) -> str:
        """Raises Failed with what the command said."""
        done = subprocess.run(
            command, cwd=folder, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Failed(done.stdout)
        return done.stdout

    def _environment(self) -> dict[str, str]:
        home = self.lab.directory
        programs = home / "bin"
        programs.mkdir(exist_ok=True)
        for name, program in (("helm", self.helm_program), ("kubectl", self.lab.cluster.programs.kubectl.path)):
            if not (programs / name).exists():
                (programs / name).symlink_to(program)
        path = f"{programs}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "KUBECONFIG": str(self.lab.cluster.kubeconfig), "HOME": str(home)}

    def kubectl(self, *arguments: str) -> str:
        return self.lab.kubectl(*arguments)

    def get(self, *arguments: str) -> Any:
        return self.lab.get(*arguments)

    def node(self, name: str) -> Object:
        found: Object = self.get("computenode", name)
        return found

    def apply(self, *objects: Object) -> None:
        self.lab.cluster.apply_objects(*objects)

    def pods(self, component: str) -> list[Object]:
        found: list[Object] = self.get("pods", f"-n={NAMESPACE}", f"-l=app.kubernetes.io/component={component}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def logs(self) -> dict[str, str]:
        """The last lines of each Pod, and what the cluster tells of it."""
        pods = [*self.pods("agent"), *self.pods("controller")]
        logs = {pod["metadata"]["name"]: self._log(pod["metadata"]["name"]) for pod in pods}
        return logs | {"Pods and Events": self.kubectl("get", "pods,events", f"-n={NAMESPACE}", "-o=wide")}

    def _log(self, pod: str) -> str:
        """Its node may be dead, which then is the last word."""
        try:
            return self.kubectl("logs", f"-n={NAMESPACE}", "--tail=30", pod)
        except ClusterError as error:
            return str(error)

    def agent_on(self, node: str) -> Object:
        return next(pod for pod in self.pods("agent") if pod["spec"]["nodeName"] == node)

    def programs(self) -> set[tuple[str, str]]:
        """Pods by their uid, with the image's tag."""
        pods = [*self.pods("agent"), *self.pods("controller")]
        return {
            (pod["metadata"]["uid"], pod["spec"]["containers"][0]["image"].rpartition(":")[2])
            for pod in pods if condition(pod, "Ready").get("status") == "True"
        }  # fmt: skip

    def left(self) -> list[Thing]:
        """What the cluster has now and had not before, but for what an uninstall keeps."""
        return sorted(each for each in self.added() if not is_kept(each, NAMESPACE))

    def added(self) -> list[Thing]:
        return sorted(everything(self.lab) - self.before)


def eventually(look: Callable[[], object], seconds: float = 60.0) -> None:
    """Until the look's own assertions hold; its last complaint is what is told in the end."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            look()
        except (AssertionError, ClusterError, KeyError, IndexError, StopIteration) as error:
            if time.monotonic() > deadline:
                error.add_note(f"still so after {seconds:.0f} s")
                raise
            time.sleep(0.2)
        else:
            return


def condition(thing: Object, type_: str) -> Object:
    """Empty if there is none of the type."""
    found: list[Object] = thing.get("status", {}).get("conditions", [])
    return next((each for each in found if each["type"] == type_), {})


def roles(node: Object, uuid: str) -> set[str]:
    """In which the node's ledger holds something for the guest."""
    return {each["role"] for each in node["status"]["ledger"].get("claims", []) if each["uuid"] == uuid}
