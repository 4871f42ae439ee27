"""What is made from the chart, and what of the chart is made, is up to date."""

from dataclasses import replace
from pathlib import Path

import pytest

import gen_deploy
import gen_values_reference
import gen_values_schema
from hypertally.agent.options import AGENT
from hypertally.controller.options import CONTROLLER
from reference_page import Page

PAGES = [*gen_deploy.PAGES, gen_values_reference.PAGE, gen_values_schema.PAGE]
by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)


@by_name
def test_it_is_up_to_date(page: Page) -> None:
    assert page.run(["--check"]) == 0, f"run: python hack/{page.generator}"


@by_name
def test_what_is_out_of_date_is_said_with_the_remedy(
    page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = replace(page, path=tmp_path / page.path.name)
    stale.path.write_text("something else")

    assert stale.run(["--check"]) == 1
    assert f"run python hack/{page.generator}" in capsys.readouterr().err


def test_what_the_chart_does_not_let_anybody_set_are_flags_of_the_programs() -> None:
    known = {option.name for program in (AGENT, CONTROLLER) for option in program.options}

    assert known >= gen_values_schema.NOT_IN_VALUES


def test_what_is_allowed_is_told_once() -> None:
    rows = [line for line in gen_values_reference.text().splitlines() if "one of" in line.lower()]

    assert len(rows) > 5
    assert [row for row in rows if row.lower().count("one of") != 1] == []
