"""The same answer for a person or for a program."""

from enum import StrEnum

import msgspec
import yaml

from hypertally.api.base import Wire, to_wire


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def document(output: Output, answer: Wire) -> str:
    """`answer` as JSON or YAML, with the names that the API uses."""
    plain = to_wire(answer)
    if output is Output.JSON:
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode()
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return text.rstrip()
