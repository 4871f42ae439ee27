"""Writes docs/reference/values.md from the chart: `python hack/gen_values_reference.py [--check]`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from reference_page import REFERENCE, ROOT, Page, code, table

CHART = ROOT / "helm" / "hypertally"

_INTRODUCTION = """\
# Values of the chart

<!-- Made from helm/hypertally/values.yaml and values.schema.json by hack/gen_values_reference.py: change it there. -->

What can be set at `helm install` and `helm upgrade`, one by one or in a file. A key that is
not here, or a value that is not allowed, is refused by Helm before anything is changed; the message names the key.

The keys of `agent.config` and `controller.config` are the flags of the programs: [configuration](configuration.md) has
their defaults, and what is allowed. The [installation](../install.md) says what is usually set.
"""

_HEAD = ("Key", "Default", "Meaning")

Schema = Mapping[str, Any]


def text() -> str:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    parts = [_INTRODUCTION]
    plain = {name: part for name, part in schema["properties"].items() if not part.get("properties")}
    parts.append(table(_HEAD, _rows({"properties": plain}, values, "")))
    for name, part in schema["properties"].items():
        if part.get("properties"):
            parts += [f"## {name}\n\n{part['description']}\n", table(_HEAD, _rows(part, values.get(name), name))]
    return "\n".join(parts).rstrip() + "\n"


def _rows(schema: Schema, values: Any, path: str) -> Iterator[Sequence[str]]:
    for name, part in schema["properties"].items():
        key = f"{path}.{name}".lstrip(".")
        value = (values or {}).get(name)
        if part.get("properties"):
            yield code(key), "", part["description"]
            yield from _rows(part, value, key)
        else:
            yield code(key), _default(value, name in (values or {})), _meaning(part)


def _default(value: Any, is_there: bool) -> str:
    return code(json.dumps(value, ensure_ascii=False)) if is_there else ""


def _meaning(part: Schema) -> str:
    said, allowed = str(part["description"]), part.get("enum", [])
    marked = ", ".join(code(each) for each in allowed)
    if not allowed:
        return said
    # The programs' own words say it already.
    plain = f"one of {', '.join(allowed)}"
    return said.replace(plain, f"one of {marked}") if plain in said else f"{said} One of {marked}."


PAGE = Page(REFERENCE / "values.md", "gen_values_reference.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
