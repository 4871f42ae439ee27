"""`make mutants` counts what the tests of the accounting miss, and knows what no test can kill."""

import ast
import os
import subprocess
import sys
from dataclasses import replace

import pytest

import mutants
from mutants import Explanation, Mutant, changed_lines, explanations, judge, with_lines, without_decorators

SURVIVOR = Mutant("charges", "charge", "survived", "return a", "return None")
KILLED = Mutant("charges", "charge", "killed")
REASON = Explanation("charges", "charge", "return a", "return None", "nobody looks")


def test_nine_of_ten_killed_and_the_tenth_explained_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge([KILLED] * 9 + [SURVIVOR], [REASON], ["charges"]) == 0
    assert "| charges | 10 | 9 | 0 | 1 | 1 | 90.0 % |" in capsys.readouterr().out


def test_a_survivor_without_a_reason_is_shown_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge([KILLED] * 99 + [SURVIVOR], [], ["charges"]) == 1
    assert "charges.charge: survived\n  - return a\n  + return None" in capsys.readouterr().out


def test_reasons_do_not_make_up_for_tests(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge([KILLED] * 8 + [SURVIVOR], [REASON], ["charges"]) == 1
    assert "88.9 %" in capsys.readouterr().out


def test_a_mutant_that_runs_for_ever_is_noticed_and_one_without_a_test_is_not() -> None:
    assert judge([replace(KILLED, status="timeout")], [], ["charges"]) == 0
    assert judge([replace(KILLED, status="no tests")], [], ["charges"]) == 1


def test_a_reason_that_nothing_needs_any_more_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge([KILLED], [REASON], ["charges"]) == 0
    assert "nothing survives that needs this reason" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("other", "fits"),
    [
        (SURVIVOR, True),
        (replace(SURVIVOR, becomes="return 7"), False),
        (replace(SURVIVOR, was="return b"), False),
        (replace(SURVIVOR, function="allocated"), False),
    ],
)
def test_a_reason_is_for_one_line_of_one_function(other: Mutant, fits: bool) -> None:
    assert REASON.fits(other) is fits
    assert replace(REASON, becomes="return N*").fits(other) is fits


def test_the_lines_that_differ_are_read_from_a_diff() -> None:
    diff = "# name: survived\n--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n def f(x):\n-    return x > 1\n+    return x >= 1\n"
    assert changed_lines(diff) == ("return x > 1", "return x >= 1")


@pytest.mark.parametrize(
    ("name", "function"), [("x__running__mutmut_2", "_running"), ("xǁDeskǁput__mutmut_13", "Desk.put")]
)
def test_a_mutant_is_named_as_its_function_is(name: str, function: str) -> None:
    assert with_lines(f"hypertally.ledger.wants.{name}", "killed") == Mutant("wants", function, "killed")


def test_properties_are_made_by_a_call_so_that_they_are_mutated_too() -> None:
    one, two = "def n(self) -> int:\n        return 1", "def m(self) -> int:\n        return 2"
    made = without_decorators(f"class A:\n    @property\n    {one}\n\n    {two}\n")
    assert "@property" not in made
    found: dict[str, type] = {}
    exec(made, found)  # noqa: S102
    assert (found["A"]().n, found["A"]().m()) == (1, 2)


@pytest.mark.parametrize("reason", explanations(), ids=lambda r: f"{r.module}.{r.function}")
def test_every_reason_is_of_a_function_that_is_there(reason: Explanation) -> None:
    tree = ast.parse((mutants.LEDGER / f"{reason.module}.py").read_text())
    assert reason.function.rpartition(".")[2] in {getattr(node, "name", "") for node in ast.walk(tree)}
    assert reason.reason


def test_an_unknown_module_is_refused_by_name() -> None:
    environment = {**os.environ, "PYTHONPATH": str(mutants.ROOT / "hack")}
    program = [sys.executable, str(mutants.ROOT / "hack" / "mutants.py"), "chrages"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "no module of the ledger: chrages\n")
