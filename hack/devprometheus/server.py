"""Prometheus on a loopback port, as a child that never outlives its parent."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import urllib3
import yaml

from devcluster.ports import free_ports
from devcluster.process import Launcher, Process

from .errors import PrometheusError
from .programs import find

_ANSWER_SECONDS = 10.0
_START_SECONDS = 60.0

Object = dict[str, Any]


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and its values by Unix time."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def last(self) -> float:
        return self.points[-1][1]


class Prometheus:
    """A context manager. `jobs`: by the name of each scrape job, the addresses (`host:port`) that it scrapes."""

    def __init__(self, jobs: Mapping[str, Sequence[str]], *, interval: str = "1s", rules: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="prometheus-")
        self._place = Path(self._folder.name)
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._write_configuration(jobs, interval, rules)
        command = [
            find("prometheus"), f"--config.file={self._place / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._place / 'data'}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
        ]  # fmt: skip
        self._launcher = Launcher()
        self._process = Process(
            "prometheus", command, launcher=self._launcher, log=self._place / "log", ready=self._is_ready
        )

    def __enter__(self) -> Self:
        try:
            self._process.start(seconds=_START_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._launcher.close()
        self._folder.cleanup()

    def query(self, expression: str) -> list[Series]:
        """What it is now. Raises PrometheusError with Prometheus's own words."""
        found = self._ask("query", query=expression)["result"]
        return [Series(each["metric"], [_point(each["value"])]) for each in found]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """Over a time, in Unix seconds. Raises PrometheusError."""
        found = self._ask("query_range", query=expression, start=start, end=end, step=step)["result"]
        return [Series(each["metric"], [_point(pair) for pair in each["values"]]) for each in found]

    def rules(self) -> list[Object]:
        """Every rule as Prometheus evaluated it: `name`, `state`, `health`, `lastError`."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, path: str, **parameters: str | float) -> Any:
        fields = {name: str(value) for name, value in parameters.items()}
        answer = urllib3.request("GET", f"{self.url}/api/v1/{path}", fields=fields, timeout=_ANSWER_SECONDS)
        body = answer.json()
        if body["status"] != "success":
            raise PrometheusError(f"{parameters.get('query', path)}: {body['error']}")
        return body["data"]

    def _is_ready(self) -> bool:
        try:
            found = urllib3.request("GET", f"{self.url}/-/ready", timeout=_ANSWER_SECONDS, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return found.status == HTTPStatus.OK

    def _write_configuration(self, jobs: Mapping[str, Sequence[str]], interval: str, rules: Path | None) -> None:
        body: Object = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "scrape_configs": [
                {"job_name": name, "static_configs": [{"targets": list(targets)}]} for name, targets in jobs.items()
            ],
        }
        if rules is not None:
            body["rule_files"] = [str(rules)]
        (self._place / "prometheus.yml").write_text(yaml.safe_dump(body))


def _point(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
