"""The volume group's size and free extents, as vgs prints them."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devlvm import VolumeGroup
from hypertally.hypervisor.facts import DiskSpace, Unread
from hypertally.hypervisor.lvm import look_at_volume_group, read_volume_group

MIB = 1024**2


def test_what_is_not_free_is_used() -> None:
    assert read_volume_group("  264241152|197132288\n") == DiskSpace(264241152, 197132288, 67108864)


@pytest.mark.parametrize("answer", ["", "1", "1|2|3", "1|", "-1|0", "1.5g|1g", "1|2\n3|4", "٤|1", f"{'9' * 21}|1"])
def test_anything_but_two_numbers_is_unknown(answer: str) -> None:
    seen = read_volume_group(answer)
    assert isinstance(seen, Unread)
    assert "is not the size and the free bytes of one volume group" in seen.reason


@given(st.text())
def test_any_answer_is_read(answer: str) -> None:
    assert isinstance(read_volume_group(answer), DiskSpace | Unread)


def test_a_real_group_of_256_mib_with_a_volume_of_64(volume_group: VolumeGroup) -> None:
    seen = look_at_volume_group(volume_group.name)
    assert seen == DiskSpace(total=252 * MIB, free=188 * MIB, used=64 * MIB)


def test_a_group_that_is_not_there_is_unknown_and_named() -> None:
    seen = look_at_volume_group("devlvm-none")
    assert isinstance(seen, Unread)
    assert seen.reason.startswith('vgs: Volume group "devlvm-none" not found')


def script(folder: Path, text: str) -> None:
    path = folder / "vgs"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others on the path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize(("deaths", "seen"), [(2, DiskSpace(9, 4, 5)), (3, Unread("vgs: exit status -11"))])
def test_a_vgs_that_crashes_is_asked_three_times_as_in_nova(
    programs: Path, deaths: int, seen: DiskSpace | Unread
) -> None:
    tally = programs / "tally"
    script(programs, f"echo x >>{tally}; [ $(wc -l <{tally}) -gt {deaths} ] || kill -SEGV $$; echo '9|4'")
    assert look_at_volume_group("vg0") == seen
    assert len(tally.read_text()) == 2 * 3


def test_a_vgs_that_refuses_is_asked_once(programs: Path) -> None:
    script(programs, f"echo x >>{programs}/tally; echo 'No, I' >&2; echo '  will  not' >&2; exit 5")
    assert look_at_volume_group("vg0") == Unread("vgs: No, I; will not")
    assert (programs / "tally").read_text() == "x\n"


def test_a_machine_without_lvm_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert look_at_volume_group("vg0") == Unread("vgs is not here; install the package lvm2")
