"""A report for a person or for a program."""

from typing import Any

import msgspec

from hypertally.api.base import to_wire
from hypertally.api.compute_node import Report
from hypertally.hypervisor.identity import Identity

from .settings import Output
from .tables import tables


def render(output: Output, identity: Identity, report: Report) -> str:
    """JSON and YAML are exactly `status.report`; the tables also name the host."""
    match output:
        case Output.JSON:
            return msgspec.json.format(msgspec.json.encode(to_wire(report)), indent=2).decode()
        case Output.YAML:
            return _yaml(to_wire(report)).rstrip()
        case Output.TABLE:
            return tables(identity, report)


def _yaml(document: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415  # 1 MiB that an agent in a Pod never needs

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text
