"""docs/reference/api.md is what the CRDs say."""

import pytest

import gen_api_reference
from gen_api_reference import PAGE, main, page
from tests.support.schemas import KINDS, fields


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0, "run: python hack/gen_api_reference.py"


def test_an_outdated_page_is_said_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = PAGE.with_name("stale-for-this-test.md")
    monkeypatch.setattr(gen_api_reference, "PAGE", stale)
    assert main(["--check"]) == 1
    assert "run python hack/gen_api_reference.py" in capsys.readouterr().err


def test_every_field_has_its_row() -> None:
    text = page()
    for plural in KINDS:
        for field in fields(plural):
            assert field.path.endswith("[]") or f"| `{field.path}` |" in text


def test_every_row_has_the_cells_of_its_table() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {3, 7}
