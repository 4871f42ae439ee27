"""Which Kubernetes nodes agents are meant for: by their labels, as the nodeSelector of the agents' DaemonSet says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from hypertally.serving.options import UsageError

_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


@dataclass(frozen=True)
class NodeSelector:
    """All of these labels, each with its value; None for any value. Without a label: every node."""

    wanted: tuple[tuple[str, str | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `key=value` and `key`, separated by commas. Errors are UsageError."""
        return cls(tuple(_term(part.strip()) for part in text.split(","))) if text.strip() else cls()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(key in labels and value in (None, labels[key]) for key, value in self.wanted)


def _term(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
        raise UsageError(f"{text!r} is no label; allowed are KEY and KEY=VALUE, separated by commas")
    return key, value if equals else None


EVERY_NODE = NodeSelector()
