"""Pages that are made: what the programs say of themselves, and who may do what."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import gen_alerts_reference
import gen_configuration_reference
import gen_events_reference
import gen_metrics_reference
import gen_security_table
from reference_page import Page

PAGES = [
    gen_alerts_reference.PAGE,
    gen_configuration_reference.PAGE,
    gen_events_reference.PAGE,
    gen_metrics_reference.PAGE,
    gen_security_table.PAGE,
]
by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)


@by_name
def test_the_page_is_up_to_date(page: Page) -> None:
    assert page.run(["--check"]) == 0, f"run: python hack/{page.generator}"


@by_name
def test_an_outdated_page_is_said_with_the_remedy(
    page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = replace(page, path=tmp_path / page.path.name)
    stale.path.write_text("something else")

    assert stale.run(["--check"]) == 1
    assert f"run python hack/{page.generator}" in capsys.readouterr().err


@by_name
def test_the_remedy_mends_the_page(page: Page, tmp_path: Path) -> None:
    stale = replace(page, path=tmp_path / "reference" / page.path.name)

    assert stale.run([]) == 0
    assert stale.run(["--check"]) == 0


@by_name
def test_every_row_has_as_many_cells_as_its_head(page: Page) -> None:
    rows = [line for line in page.text().splitlines() if line.startswith("| ")]

    assert len(rows) > 10
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1


@pytest.mark.parametrize("program", ["agent", "controller"])
def test_every_flag_of_the_help_has_its_row(program: str) -> None:
    said = subprocess.run(
        [Path(sys.executable).with_name(f"hypertally-{program}"), "--help"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "500"},
    )
    text = gen_configuration_reference.text().partition(f"## hypertally-{program}\n")[2].partition("\n## ")[0]

    flags = set(re.findall(r"--[a-z][a-z-]+", said.stdout))

    assert said.returncode == 0, said.stderr
    assert len(flags) > 5
    for flag in flags - {"--help"}:
        assert f"`{flag}" in text
