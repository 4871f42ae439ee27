"""Writes the programs' settings into the chart's schema: `python hack/gen_values_schema.py [--check]`.

Everything else in helm/hypertally/values.schema.json is written by hand.
"""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from hypertally.agent.options import AGENT
from hypertally.controller.options import CONTROLLER
from hypertally.serving.options import Option, Program
from reference_page import ROOT, Page

_PATH = ROOT / "helm" / "hypertally" / "values.schema.json"

#: What the chart sets itself, and what makes no sense in a Pod.
NOT_IN_VALUES = {"node-name", "lease-namespace", "listen", "kubeconfig", "context", "output", "leader-elect"}

#: The JSON type of what an option takes, by the word that its help has for a value.
_TYPES: Mapping[str, Mapping[str, Any]] = {
    "BOOL": {"type": "boolean"},
    "SECONDS": {"type": "number"},
    "NUMBER": {"type": "integer"},
    "MIB": {"type": "integer"},
    "CPUS": {"type": ["string", "integer"]},
}


def text() -> str:
    schema = json.loads(_PATH.read_text())
    for name, program in (("agent", AGENT), ("controller", CONTROLLER)):
        schema["properties"][name]["properties"]["config"]["properties"] = _properties(program)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _properties(program: Program) -> dict[str, Any]:
    return {option.name: _property(option) for option in program.options if option.name not in NOT_IN_VALUES}


def _property(option: Option) -> dict[str, Any]:
    if option.metavar == "JSON":
        value: Mapping[str, Any] = {"type": "object"}
    elif found := re.search(r"one of (\w+(?:, \w+)+)", option.help):
        value = {"type": "string", "enum": found[1].split(", ")}
    else:
        value = _TYPES.get(option.metavar, {"type": "string"})
    if option.repeated:
        return {"type": "array", "description": option.help, "items": value}
    return {"description": option.help, **value}


PAGE = Page(_PATH, "gen_values_schema.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
