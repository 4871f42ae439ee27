"""docs/schedulers.md: each promise names tests that exist, and each check of the kit is explained."""

import ast
import re
from pathlib import Path

from conformance.checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "schedulers.md").read_text()


def test_every_test_that_proves_a_promise_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)

    assert len(named) > 15
    assert [(path, test) for path, test in named if test not in _tests_of(ROOT / path)] == []


def _tests_of(path: Path) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


def test_every_promise_has_a_field_or_none_and_at_least_one_test() -> None:
    table = PAGE.partition("## What a scheduler may rely on")[2].partition("What is **not** promised")[0]
    rows = [
        line for line in table.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| Promise"))
    ]

    assert len(rows) > 10
    assert [row for row in rows if "::test_" not in row] == []


def test_every_check_has_its_row_and_its_line_of_output() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(CHECKS)
    for name, check in CHECKS.items():
        assert re.search(rf"^PASS  {name} +{re.escape(check.promise)} \(", PAGE, re.MULTILINE), name
