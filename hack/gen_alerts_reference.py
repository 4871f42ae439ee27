"""Writes docs/reference/alerts.md from the chart's rules: `python hack/gen_alerts_reference.py [--check]`."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from reference_page import REFERENCE, ROOT, Page, code, table

ALERTS = ROOT / "helm" / "hypertally" / "files" / "alerts.yaml"

_INTRODUCTION = """\
# Alerts reference

<!-- Made from helm/hypertally/files/alerts.yaml by hack/gen_alerts_reference.py: change it there. -->

The rules for Prometheus that the chart ships (`metrics.rules.enabled`). They rest on nothing but what the two programs
export: [metrics](metrics.md). Each has a page that says what it means, how to look and how to mend it, and a test in
`tests/operations/rules/`. Words in code are labels of the series that fires.
"""
_HEAD = ("Alert", "Severity", "After", "It says")


def text() -> str:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return "\n".join([_INTRODUCTION, *(_group(group) for group in groups)])


def _group(group: Mapping[str, Any]) -> str:
    rules = group["rules"]
    expressions = "\n".join(f"# {rule['alert']}\n{rule['expr'].strip()}\n" for rule in rules)
    return f"## {group['name']}\n\n{table(_HEAD, map(_row, rules))}\n```promql\n{expressions}```\n"


def _row(rule: Mapping[str, Any]) -> Sequence[str]:
    name = rule["alert"]
    return f"[{name}](../runbooks/{name}.md)", rule["labels"]["severity"], rule.get("for", "at once"), _said(rule)


def _said(rule: Mapping[str, Any]) -> str:
    """What stands for a label is its name; a value is a number."""
    return "".join(_plain(part) for part in _parts(" ".join(rule["annotations"]["summary"].split())))


def _parts(summary: str) -> Iterator[str]:
    yield from re.split(r"(\{\{.*?\}\})", summary)


def _plain(part: str) -> str:
    if not part.startswith("{{"):
        return part
    label = re.search(r"\$labels\.(\w+)", part)
    return code(label[1]) if label else "N"


PAGE = Page(REFERENCE / "alerts.md", "gen_alerts_reference.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
