"""CPU sets: Nova's grammar, and errors that point at the character."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.cpu_set import CPU_MAX, BadCpuSet, format_cpu_set, parse_cpu_set, required_cpu_set

CPUS = st.frozensets(st.integers(0, CPU_MAX), max_size=60)


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("1-3,5,^2", {1, 3, 5}),
        ("0-3,^1-2", {0, 3}),
        (", ,1,,2", {1, 2}),
        ("1-2,^1", {2}),
        ("^0-1", set()),
        ("^2,1-3", {1, 3}),
        ("", set()),
        (" 1 - 3 , ^ 2 ", {1, 3}),
        ("007", {7}),
        ("5-5", {5}),
    ],
)
def test_c9_novas_value_of_a_cpu_set(text: str, cpus: set[int]) -> None:
    assert parse_cpu_set(text) == cpus


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("3 - 1", "at character 1 ('3') the range 3-1 runs backwards"),
        ("-3,5", "at character 1 ('-') a CPU number is expected"),
        ("1-", "at its end a CPU number is expected"),
        ("1-3,5,^2^", "at character 9 ('^') a comma or the end is expected"),
        ("a-3", "at character 1 ('a') a CPU number is expected"),
        ("1-3,a-5", "at character 5 ('a') a CPU number is expected"),
        ("1--2", "at character 3 ('-') a CPU number is expected"),
        ("1 2", "at character 3 ('2') a comma or the end is expected"),
        ("^", "at its end a CPU number is expected"),
        ("0-3,99999", f"at character 5 ('9') CPU numbers go up to {CPU_MAX}"),
        ("1_0", "at character 2 ('_') a comma or the end is expected"),
        ("٤", "at character 1 ('٤') a CPU number is expected"),
        ("9" * 5000, "CPU numbers go up to"),
    ],
)
def test_c10_what_nova_refuses_is_refused_and_the_character_named(text: str, wrong: str) -> None:
    with pytest.raises(BadCpuSet) as refused:
        parse_cpu_set(text)
    assert wrong in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("text", ["0-1,^0,^1", "", " , "])
def test_c11_nova_refuses_a_configured_set_without_a_member(text: str) -> None:
    with pytest.raises(BadCpuSet, match="leaves no CPU"):
        required_cpu_set(text)


@pytest.mark.parametrize(
    ("cpus", "text"), [(set(), ""), ({0}, "0"), ({0, 1}, "0-1"), ({3, 1, 2, 8, 10, 9}, "1-3,8-10"), ({0, 2}, "0,2")]
)
def test_a_set_is_written_as_linux_writes_it(cpus: set[int], text: str) -> None:
    assert format_cpu_set(cpus) == text


@given(CPUS)
def test_what_is_written_is_read_again(cpus: frozenset[int]) -> None:
    assert parse_cpu_set(format_cpu_set(cpus)) == cpus


@given(CPUS, CPUS)
def test_what_is_left_out_is_left_out_wherever_it_stands(cpus: frozenset[int], out: frozenset[int]) -> None:
    without = [f"^{cpu}" for cpu in sorted(out)]
    for items in ([format_cpu_set(cpus), *without], [*without, format_cpu_set(cpus)]):
        assert parse_cpu_set(",".join(items)) == cpus - out


@given(st.text(alphabet="0123456789^-, xa٤²\n", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_set_or_one_clear_error(text: str) -> None:
    outcome = read(text)
    assert "\n" not in outcome if isinstance(outcome, str) else all(0 <= cpu <= CPU_MAX for cpu in outcome)


def read(text: str) -> frozenset[int] | str:
    try:
        return parse_cpu_set(text)
    except BadCpuSet as error:
        return str(error)


def test_a_long_text_takes_no_long_time() -> None:
    begun = time.monotonic()
    assert len(parse_cpu_set(",".join(["0-16383"] * 16_000))) == CPU_MAX + 1
    with pytest.raises(BadCpuSet, match="is too long"):
        parse_cpu_set("1," * 100_000)
    assert time.monotonic() - begun < 5
