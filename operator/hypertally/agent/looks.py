"""What came of one look at a host."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypertally.api.compute_node import ReportContent
from hypertally.hypervisor.identity import Identity
from hypertally.hypervisor.usage import Usage


@dataclass(frozen=True)
class Seen:
    """The look succeeded. `problems` names the parts whose last known value stands in, with the reason."""

    number: int
    identity: Identity
    content: ReportContent
    problems: Sequence[str] = ()
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Blind:
    """libvirt answers, but no report could be made of it."""

    number: int
    reason: str
    message: str


@dataclass(frozen=True)
class Lost:
    """libvirt does not answer."""

    number: int
    reason: str
    message: str


Look = Seen | Blind | Lost
