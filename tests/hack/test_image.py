"""hack/image: which builder is asked what, what is refused, and the bill of materials."""

import json
import platform
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

from image import sbom
from image.__main__ import main
from image.build import PROGRAMS, Wish, refuse_foreign
from image.builders import BUILDERS, Builder, find_builder
from image.errors import ImageError, NoBuilder, WrongArchitecture

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, for programs that answer as they are told."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(programs: Path, name: str, script: str = "exit 0") -> None:
    path = programs / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_first_builder_that_works_is_taken(programs: Path) -> None:
    put(programs, "docker", "echo no daemon >&2; exit 1")
    put(programs, "buildah")

    assert find_builder().program == "buildah"


def test_without_a_builder_each_is_named_with_what_is_wrong_and_how_to_get_one(programs: Path) -> None:
    put(programs, "docker", "exit 1")

    with pytest.raises(NoBuilder) as caught:
        find_builder()

    said = str(caught.value)
    assert "docker (does not answer), podman (not installed), buildah (not installed)" in said
    assert "apt-get install buildah" in said


def test_an_unknown_builder_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ImageError, match=r"builder 'kaniko' is not known; allowed are docker, podman, buildah"):
        find_builder("kaniko")


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda each: each.program)
def test_every_builder_is_told_the_target_the_name_and_the_arguments(builder: object) -> None:
    known = next(each for each in BUILDERS if each == builder)

    command = known.build_command("agent", "localhost/x:1", {"BASE": "own/debian:12"}, ["--network=host"])

    assert command[0] == known.program
    assert command[-1] == "."
    assert " ".join(command).endswith(
        "--target agent --tag localhost/x:1 --build-arg BASE=own/debian:12 --network=host ."
    )


def test_an_architecture_that_this_machine_cannot_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        WrongArchitecture, match=r"architecture arm64: this machine is amd64 and has no emulator for it"
    ):
        refuse_foreign("arm64", "amd64", tmp_path)


def test_with_an_emulator_it_is_built(tmp_path: Path) -> None:
    (tmp_path / "qemu-aarch64").touch()

    refuse_foreign("arm64", "amd64", tmp_path)


def test_an_unknown_architecture_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(WrongArchitecture, match=r"architecture 'sparc' is not known; allowed are amd64, arm64"):
        refuse_foreign("sparc", "amd64")


def test_a_base_image_of_another_architecture_is_told_in_one_line(
    programs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    put(programs, "buildah", '[ "$1" = info ] || { echo "exec /bin/sh: exec format error"; exit 1; }')

    status = main(["agent", "--builder", "buildah", "--base", "own/debian:12"])

    assert status == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("error: base image own/debian:12 is for another kind of machine than this one, which is ")


def test_an_images_name_has_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert Wish(repository="registry.example/ops").name("agent") == f"registry.example/ops/hypertally-agent:{version}"


PACKAGES = "libc6 2.36-9+deb12u9 amd64\npython3.11 3.11.2-6 amd64\n"


def bill_of(program: str, packages: str = PACKAGES, locked: str | None = None) -> Any:
    lock = (ROOT / "requirements" / f"{program}.txt").read_text() if locked is None else locked
    return json.loads(sbom.render(program, lock, (ROOT / "pyproject.toml").read_text(), packages))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_bill_of_materials_lists_what_the_lock_file_installs_here(program: str, tmp_path: Path) -> None:
    sbom.write(program, tmp_path / "bill.json", "", ROOT)

    bill = json.loads((tmp_path / "bill.json").read_text())
    named = {each["purl"] for each in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == f"hypertally-{program}"
    assert any(each.startswith("pkg:pypi/msgspec@") for each in named)
    assert any("libvirt-python" in each for each in named) == (program == "agent")
    assert any("/kopf@" in each for each in named) == (program == "controller")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_bill_of_materials_names_every_locked_package_with_its_version_and_nothing_else(program: str) -> None:
    locked = (ROOT / "requirements" / f"{program}.txt").read_text()

    named = [(each["name"], each["version"]) for each in bill_of(program, packages="")["components"]]

    rows = re.findall(r"^([\w.-]+)==([^\s;]+)(?: ; (.*?))? \\$", locked, re.MULTILINE)
    assert len(rows) == locked.count("==") - locked.count(" == ")
    assert sorted(named) == sorted(
        (name, version) for name, version, marker in rows if not marker or Marker(marker).evaluate()
    )


def test_the_bill_of_materials_names_debians_packages_as_scanners_look_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian", "VERSION_ID": "12"})

    named = [each["purl"] for each in bill_of("agent", locked="")["components"]]

    assert named == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12",
        "pkg:deb/debian/python3.11@3.11.2-6?arch=amd64&distro=debian-12",
    ]


def test_a_bill_of_materials_leaves_out_what_is_for_other_machines() -> None:
    locked = 'colorama==0.4.6 ; sys_platform == "win32" \\\n    --hash=sha256:' + "a" * 64 + "\n"

    assert bill_of("agent", packages="", locked=locked).get("components", []) == []


def test_the_same_lock_file_and_packages_give_the_same_bytes() -> None:
    locked, project = (ROOT / "requirements" / "agent.txt").read_text(), (ROOT / "pyproject.toml").read_text()

    assert sbom.render("agent", locked, project, PACKAGES) == sbom.render("agent", locked, project, PACKAGES)


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_a_file_of_an_image_is_read_without_running_anything_of_it(programs: Path, program: str) -> None:
    says = f'echo "$@" >>{programs}/said; case "$1" in create) echo made;; cp) echo read >"$3";; esac'
    put(programs, program, says)

    assert find_builder_of(program).read("localhost/x:1", "/file") == "read\n"

    told = (programs / "said").read_text().splitlines()
    assert [line.split()[:2] for line in told] == [["create", "localhost/x:1"], ["cp", "made:/file"], ["rm", "made"]]


def test_buildahs_container_is_removed_though_the_file_cannot_be_read(programs: Path) -> None:
    put(programs, "buildah", f'echo "$@" >>{programs}/said; [ "$1" != from ] || echo made; [ "$1" != run ]')

    with pytest.raises(ImageError, match=r"^buildah run made -- cat /file"):
        find_builder_of("buildah").read("localhost/x:1", "/file")

    assert (programs / "said").read_text().splitlines() == [
        "from --pull-never localhost/x:1", "run made -- cat /file", "rm made"
    ]  # fmt: skip


def find_builder_of(program: str) -> Builder:
    return next(each for each in BUILDERS if each.program == program)
