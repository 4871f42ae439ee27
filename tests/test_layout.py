"""What holds for the tree as a whole."""

import operator
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.worlds import WORLDS, world

ROOT = Path(__file__).resolve().parent.parent

REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))

#: Files that say where things are fetched from, and must leave that to the machine's own configuration.
FETCHING = [*REQUIREMENTS, ROOT / "Makefile", ROOT / ".ci" / "run", ROOT / "hack" / "setup", ROOT / "pyproject.toml"]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def test_the_source_root_is_no_package_so_the_standard_operator_module_stays_reachable() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert Path(str(operator.__file__)).is_relative_to(sys.base_prefix)


def test_the_standard_operator_module_is_found_from_the_root_without_safe_path() -> None:
    program = "import operator, collections; print(operator.itemgetter)"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={}, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("root", ["operator", "hack"])
def test_no_module_of_a_source_root_shadows_the_standard_library(root: str) -> None:
    names = {path.stem for path in (ROOT / root).iterdir()}

    assert not names & sys.stdlib_module_names


@pytest.mark.parametrize("path", FETCHING, ids=lambda path: path.name)
def test_nothing_names_the_host_of_a_package_registry(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"https?://", text)
    assert not re.search(r"^--?(index|extra-index|find-links|trusted-host|i|f)\b", text, re.MULTILINE)


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_by_version_and_hash(path: Path) -> None:
    blocks = re.split(r"\n(?=\S)", path.read_text().strip())

    assert blocks
    assert [block for block in blocks if not re.match(r"[\w.-]+==\S+.*--hash=sha256:", block, re.DOTALL)] == []


@pytest.mark.parametrize("name", ["agent.txt", "controller.txt", "build.txt"])
def test_the_images_get_what_the_tests_ran_with(name: str) -> None:
    tested = pinned("dev.txt")

    assert {package for package, version in pinned(name).items() if tested.get(package, version) != version} == set()


def test_the_agents_image_has_no_kopf_and_the_controllers_no_libvirt() -> None:
    assert "kopf" not in pinned("agent.txt")
    assert "libvirt-python" not in pinned("controller.txt")


def test_every_dependency_that_pyproject_names_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for extra in ("agent", "controller"):
        asked = {re.split(r"[<>=]", each)[0] for each in [*project["dependencies"], *extras[extra]]}
        assert asked <= set(pinned(f"{extra}.txt")), extra
    asked = {re.split(r"[<>=]", each)[0] for each in extras["plugin"]}
    assert asked <= set(pinned("dev.txt"))


def test_make_help_lists_what_a_newcomer_needs() -> None:
    help_text = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout

    listed = {line.split()[0] for line in help_text.splitlines() if line.startswith("  ")}
    assert {"setup", "demo", "test", "lint", "format", "typecheck", "bench", "lock", "cluster-up", "clean"} <= listed


def test_every_make_target_that_the_documents_name_exists() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        (path.name, target)
        for path in documents
        if path.exists()
        for target in re.findall(r"(?:^|[`$]) *make ([a-z][a-z0-9-]*)", path.read_text(), re.MULTILINE)
    }

    assert {(name, target) for name, target in named if target not in targets()} == set()


def test_continuous_integration_runs_lint_and_tests() -> None:
    text = (ROOT / ".ci" / "run").read_text()

    assert "make lint" in text
    assert "make test" in text


@pytest.mark.parametrize("script", [".ci/run", "hack/setup"])
def test_scripts_are_executable_and_stop_at_the_first_error(script: str) -> None:
    path = ROOT / script

    assert path.stat().st_mode & 0o111
    assert "set -euo pipefail" in path.read_text()


def test_the_chart_its_programs_and_the_project_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((ROOT / "helm" / "hypertally" / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (project, project)


#: Fixtures behind which is an API server that lives until its process or its folder is done.
LASTING = {"cluster", "shared_by_turns", "plain_fleet", "guarded", "bare", "stage"}


def test_files_that_share_an_api_server_run_in_one_process(request: pytest.FixtureRequest) -> None:
    users = {item.path for item in request.session.items if LASTING & set(getattr(item, "fixturenames", ()))}
    files = {path.relative_to(ROOT / "tests").as_posix() for path in users}

    alone = sorted(file for file in files if world(file) not in WORLDS)

    assert alone == [], "name them in tests/support/worlds.py: each process that runs one starts a cluster"


def test_a_world_has_no_files_that_are_not_there() -> None:
    patterns = [pattern for patterns in WORLDS.values() for pattern in patterns]

    assert [pattern for pattern in patterns if not list((ROOT / "tests").glob(pattern))] == []
