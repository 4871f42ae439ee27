"""Pictures of the dashboards: numbers as a person reads them, panels where Grafana has them."""

import re
from math import inf, nan
from pathlib import Path

import pytest
from PIL import Image

from devprometheus import Prometheus, Series, read_dashboard
from pictures.draw import draw
from pictures.record import Record, Window
from pictures.units import scale_for

DOCS = Path(__file__).resolve().parents[2] / "docs" / "pictures"
MOST_BYTES = 150_000
VARIABLES = {"compute_node": "n1", "__rate_interval": "15s"}

by_dashboard = pytest.mark.parametrize("name", ["fleet", "host"])


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("short", 12, "12"),
        ("bytes", 0, "0 B"),
        ("bytes", 3 * 2**30, "3 GiB"),
        ("Bps", 1536, "1.5 KiB/s"),
        ("percentunit", 0.125, "12.5 %"),
        ("s", 0.0421, "42.1 ms"),
        ("s", 3600, "60 min"),
        ("ops", 2.5, "2.5/s"),
    ],
)
def test_a_number_is_written_in_the_unit_that_it_fills(unit: str, value: float, text: str) -> None:
    assert scale_for(unit, value).written(value) == text


def a_record(name: str) -> Record:
    """Each query is answered with two series, one of which breaks off."""
    whole = [(float(time), float(time % 7)) for time in range(60)]
    broken = whole[:20] + whole[40:]
    targets = [target for panel in read_dashboard(name, VARIABLES).panels for target in panel.targets]
    labels = {label for target in targets for label in re.findall(r"\w+", target.legend)}
    series = [Series(dict.fromkeys(labels, "one"), whole), Series(dict.fromkeys(labels, "two"), broken)]
    return Record(Window(0, 59, 1), {target.expression: series for target in targets})


@by_dashboard
def test_a_picture_is_as_wide_as_a_page_and_small_as_a_file(name: str, tmp_path: Path) -> None:
    draw(read_dashboard(name, VARIABLES), a_record(name), tmp_path / "drawn.png")

    assert (tmp_path / "drawn.png").stat().st_size < MOST_BYTES
    with Image.open(tmp_path / "drawn.png") as drawn:
        assert drawn.width == 1350
        assert len(drawn.convert("RGB").getcolors(1 << 20) or ()) > 10, "it is not empty"


@by_dashboard
def test_a_panel_without_an_answer_is_drawn_all_the_same(name: str, tmp_path: Path) -> None:
    record = a_record(name)
    silent = Record(record.window, {each: [] for each in record.answers})

    draw(read_dashboard(name, VARIABLES), silent, tmp_path / "drawn.png")

    assert (tmp_path / "drawn.png").exists()


@by_dashboard
def test_the_page_has_a_picture_of_todays_layout(name: str) -> None:
    board = read_dashboard(name, VARIABLES)
    rows = max(panel.y + panel.height for panel in board.panels)

    assert (DOCS / f"{name}.png").stat().st_size < MOST_BYTES
    with Image.open(DOCS / f"{name}.png") as shown:
        assert shown.height == pytest.approx(rows * 26 + 42, abs=1)


def test_what_is_no_number_is_left_out_of_the_record_and_survives_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = [Series({"le": "1"}, [(1.0, 2.0), (2.0, nan), (3.0, inf)]), Series({}, [(1.0, nan)])]
    monkeypatch.setattr(Prometheus, "query_range", lambda *_: answer)
    board = read_dashboard("host", VARIABLES)

    record = Record.take([board], object.__new__(Prometheus), Window(0, 3, 1))
    record.save(tmp_path / "record.json")

    assert Record.load(tmp_path / "record.json") == record
    assert record.answers[board.panels[0].targets[0].expression] == [Series({"le": "1"}, [(1.0, 2.0)])]


@by_dashboard
def test_no_two_panels_of_a_dashboard_cover_each_other(name: str) -> None:
    cells = [
        (column, row)
        for panel in read_dashboard(name, VARIABLES).panels
        for column in range(panel.x, panel.x + panel.width)
        for row in range(panel.y, panel.y + panel.height)
    ]

    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < 24


def test_a_variable_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError, match="compute_node"):
        read_dashboard("host", {"__rate_interval": "15s"})
