"""Sets of CPUs as text and as numbers: CPU 0, the last CPU, and what is no set."""

import pytest

from hypertally.ledger.cpu_set import CPU_MAX, UnreadableCpuSet, form, parse, parse_or_none, single

SETS = [
    ("", 0b0),
    ("0", 0b1),
    ("1", 0b10),
    ("0-1", 0b11),
    ("1-3", 0b1110),
    ("0,2", 0b101),
    ("0-1,3-4,6", 0b1011011),
    ("12-13", 0b11 << 12),
    (str(CPU_MAX), 1 << CPU_MAX),
    (f"0-{CPU_MAX}", (1 << CPU_MAX + 1) - 1),
]
each_set = pytest.mark.parametrize(("text", "cpus"), SETS, ids=[text or "none" for text, _ in SETS])


@each_set
def test_a_text_is_read(text: str, cpus: int) -> None:
    assert parse(text) == cpus
    assert parse_or_none(text) == cpus


@each_set
def test_a_set_is_written_with_the_ends_of_its_runs(text: str, cpus: int) -> None:
    assert form(cpus) == text


@pytest.mark.parametrize(("text", "cpus"), [("3,1", 0b1010), ("1,1-2", 0b110), ("5-5", 0b100000), ("007", 0b10000000)])
def test_other_ways_to_write_a_set_are_read_too(text: str, cpus: int) -> None:
    assert parse(text) == cpus


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("x", "'x' is no CPU set such as 0-3,8"),
        ("0-3-5", "'0-3-5' is no CPU set such as 0-3,8"),
        ("7,3-1", "'7,3-1' is no CPU set such as 0-3,8: the range 3-1 runs backwards"),
        ("16384", "'16384' is no CPU set such as 0-3,8: CPU numbers go up to 16383"),
        ("0-16384", "'0-16384' is no CPU set such as 0-3,8: CPU numbers go up to 16383"),
        ("x" * 81, f"'{'x' * 80}' is no CPU set such as 0-3,8"),
        ("10," * 26 + "10,2-1", f"'{'10,' * 26}10' is no CPU set such as 0-3,8: the range 2-1 runs backwards"),
        ("10," * 26 + "10,20000", f"'{'10,' * 26}10' is no CPU set such as 0-3,8: CPU numbers go up to 16383"),
    ],
)
def test_what_is_no_set_is_refused_with_the_text_and_the_reason(text: str, wrong: str) -> None:
    with pytest.raises(UnreadableCpuSet) as refused:
        parse(text)
    assert str(refused.value) == wrong
    assert parse_or_none(text) is None


@pytest.mark.parametrize(("cpus", "each"), [(0b0, []), (0b1, [0b1]), (0b11010, [0b10, 0b1000, 0b10000])])
def test_a_set_is_taken_apart_from_the_lowest_cpu_on(cpus: int, each: list[int]) -> None:
    assert list(single(cpus)) == each
