"""Folders of clusters: gone after use, and not without a bound where logs are kept."""

from pathlib import Path

import pytest

from devcluster import directories
from devcluster.directories import KEPT_FOLDERS, Directory


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def keep(name: str) -> Path:
    folder = Directory.make(name)
    (folder.path / "etcd").mkdir()
    (folder.path / "etcd.log").write_text("ended\n")
    folder.keep_logs()
    return folder.path


def test_of_kept_folders_only_the_logs_stay() -> None:
    path = keep("failed")

    assert {entry.name for entry in path.iterdir()} == {"etcd.log", "kept"}


def test_kept_logs_are_not_removed_afterwards() -> None:
    folder = Directory.make("failed")
    folder.keep_logs()

    folder.remove()

    assert folder.path.exists()


def test_kept_folders_do_not_pile_up() -> None:
    paths = [keep(f"failed-{number}") for number in range(KEPT_FOLDERS + 3)]

    directories.sweep(paths[0].parent)

    assert sum(path.exists() for path in paths) == KEPT_FOLDERS


def test_a_folder_in_use_is_left_alone() -> None:
    used = Directory.make("used")

    directories.sweep(used.path.parent)

    assert used.path.exists()
    used.remove()


def test_somebody_elses_folder_is_never_removed(tmp_path: Path) -> None:
    given = Directory.given(tmp_path)

    given.keep_logs()
    given.remove()

    assert tmp_path.exists()
