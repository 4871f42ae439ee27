"""The runner of the benchmarks: what it prints, writes and refuses."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks import result
from benchmarks.measure import WARM_UP, alternate
from benchmarks.result import Result

GOOD = Result(name="good", ours=3.0, floor=2.0, unit="ms", budget=1.5)
BAD = Result(name="bad", ours=3.1, floor=2.0, unit="ms", budget=1.5)


@pytest.fixture(autouse=True)
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    monkeypatch.setattr(runner, "RESULTS", path)
    monkeypatch.setattr(runner, "save", lambda some: result.save(some, path))
    monkeypatch.setattr(runner, "BENCHMARKS", {"good": lambda: iter([GOOD]), "bad": lambda: iter([BAD])})
    return path


def test_a_result_carries_its_ratio_and_whether_it_is_within_its_budget(results: Path) -> None:
    assert runner.main(["good"]) == 0
    assert json.loads(results.read_text()) == [
        {"name": "good", "ours": 3.0, "floor": 2.0, "unit": "ms", "ratio": 1.5, "budget": 1.5, "within": True}
    ]


def test_a_result_beyond_its_budget_fails_the_run(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main([]) == 1
    assert [entry["within"] for entry in json.loads(results.read_text())] == [False, True]
    assert "NO" in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("bad"))


def test_a_run_of_one_benchmark_keeps_the_results_of_the_others(results: Path) -> None:
    runner.main([])
    runner.main(["good"])
    assert [entry["name"] for entry in json.loads(results.read_text())] == ["bad", "good"]


def test_an_unknown_name_is_refused_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        runner.main(["better"])
    assert "no benchmark is named 'better'; there are: good, bad" in capsys.readouterr().err


def test_two_ways_take_turns_at_being_first() -> None:
    order: list[str] = []
    alternate(lambda: order.append("ours"), lambda: order.append("floor"), rounds=2)
    assert order == ["floor", "ours", "ours", "floor"] * ((WARM_UP + 2) // 2)
