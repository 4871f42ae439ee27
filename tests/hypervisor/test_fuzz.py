"""Spoilt documents do not crash, hang or mislead an audit. `make fuzz` tries a hundred thousand, here are some."""

from collections import deque

import pytest

from hypertally.hypervisor.report import report
from tests.fuzz import judge
from tests.fuzz.__main__ import MOST_GROWTH_MIB, resident_mib
from tests.fuzz.documents import samples
from tests.fuzz.judge import Trial, Verdict

DOCUMENTS = 1500


def test_whatever_the_documents_say_the_report_is_right_or_says_what_is_unknown_and_memory_stays_flat() -> None:
    trial = Trial(seed=0)
    for number in range(DOCUMENTS // 3):
        trial.run(number)
    warm = resident_mib()
    for number in range(DOCUMENTS // 3, DOCUMENTS):
        trial.run(number)
    assert resident_mib() - warm < MOST_GROWTH_MIB


def test_every_reader_of_xml_is_tried() -> None:
    kinds = {sample.name.split()[0] for sample in samples()}
    assert {"capabilities", "CPU", "domain,", "pool", "device"} <= kinds


def test_a_reader_that_fails_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge itself must be able to fail."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    trial = Trial(seed=0)
    monkeypatch.setattr(judge, "report", broken)
    with pytest.raises(Verdict, match="document 1 of seed 0: ZeroDivisionError"):
        trial.run(1)


def test_a_misleading_report_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(seed=0)
    monkeypatch.setattr(judge, "report", lambda snapshot, _previous: report(snapshot))
    with pytest.raises(Verdict, match=r"last known values|InventoryUnreadable"):
        deque(map(trial.run, range(1500)), maxlen=0)
