"""The chart, as both Helms render it with the values that lie here."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain, product
from pathlib import Path
from typing import Any

import yaml

from devhelm import NEWEST, OLDEST, find_helm

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "hypertally"
VALUES = sorted((Path(__file__).parent / "values").glob("*.yaml"))
SNAPSHOTS = Path(__file__).parent / "snapshots"

NAMESPACE = "hypertally-system"
HELMS = {"Helm 4": NEWEST, "Helm 3": OLDEST}
KUBERNETES = tuple(f"1.{minor}" for minor in range(31, 38))
ENDS = (KUBERNETES[0], KUBERNETES[-1])

#: Seconds for one command of Helm, on a machine that does other things too.
DEADLINE = 120.0

Object = dict[str, Any]


@cache
def program(helm: str) -> Path:
    return find_helm(HELMS[helm], may_download=False)


def run(helm: str, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [program(helm), *arguments]
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment} if environment else None
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, env=env)


def template(helm: str, *arguments: str | Path, chart: Path = CHART) -> "subprocess.CompletedProcess[str]":
    return run(helm, "template", "hypertally", chart, "--namespace", NAMESPACE, *arguments)


@cache
def rendered(helm: str, values: Path, kubernetes: str) -> str:
    """As `plain` text: in empty lines the two Helms differ."""
    done = template(helm, "--values", values, "--kube-version", kubernetes)
    assert done.returncode == 0, done.stderr
    return plain(done.stdout)


def plain(text: str) -> str:
    """Without empty lines. Not by splitlines: the schemas have separators of lines in them that are none of YAML's."""
    return "".join(f"{line}\n" for line in text.split("\n") if line.strip())


def render_everything() -> None:
    """All at once, as many as there are processors: each takes a process."""
    with ThreadPoolExecutor() as pool:
        wanted = chain(product(["Helm 4"], VALUES, KUBERNETES), product(["Helm 3"], VALUES, ENDS))
        list(pool.map(lambda each: rendered(*each), wanted))


@cache
def parsed(text: str) -> Sequence[Object]:
    # The loader in C: the one in Python takes seconds for the CRDs.
    return tuple(document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document)


def objects(values: Path, kubernetes: str = KUBERNETES[-1]) -> Sequence[Object]:
    return parsed(rendered("Helm 4", values, kubernetes))


def find(values: Path, kind: str, name: str) -> Object:
    found = [each for each in objects(values) if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{values.stem} has {len(found)} {kind} {name}"
    return found[0]


def value_file(name: str) -> Path:
    return next(path for path in VALUES if path.stem == name)


def pods(values: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The specification of every Pod that the chart runs, with the name of who makes it."""
    for each in objects(values):
        name = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] == "Pod":
            yield name, each["spec"]
        elif each["kind"] in ("DaemonSet", "Deployment", "Job"):
            yield name, each["spec"]["template"]["spec"]


def snapshot(values: Path) -> str:
    """What is reviewed when a template changes: all that the defaults make, of other values what is not the same."""
    found = _reviewed(values)
    usual = _reviewed(value_file("default")) if values.stem != "default" else []
    return "".join(f"---\n{document}" for document in found if document not in usual)


def _reviewed(values: Path) -> list[str]:
    """Files that are put in as they are, CRDs, alerts and dashboards, are reviewed where they are written."""
    documents = rendered("Helm 4", values, KUBERNETES[-1]).split("---\n")
    return [document for document in documents if document and not _EMBEDS.match(document)]


_EMBEDS = re.compile(r"# Source: hypertally/templates/(crds|rules|dashboards|kube-state-metrics-config)\.yaml")
