"""Building the programs: once for all who wait for them, and with the compiler's own words when it fails."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest

from devcluster import BuildError
from devcluster.build import build, built_folder
from devcluster.pins import PACKAGES, read_pins
from devcluster.progress import Silent

PINS = read_pins()

#: Stands in for the compiler, which takes minutes: says what go says and makes what go makes.
WORKING_GO = """#!/bin/sh
case $1 in
list) printf 'k8s.io/one\\nk8s.io/two\\nk8s.io/three\\n' ;;
build)
    echo "go: downloading k8s.io/one v1.0.0"
    printf 'k8s.io/one\\nk8s.io/two\\nk8s.io/three\\n'
    while [ "$1" != -o ]; do shift; done
    for name in server kube-apiserver kubectl; do echo built >"$2/$name"; done
    ;;
esac
"""

FAILING_GO = """#!/bin/sh
echo 'go: k8s.io/kubernetes@v1.36.3: no route to host' >&2
exit 7
"""


class Recorded:
    """Progress, remembered; `stepped` is set with the first step."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.stepped = Event()

    def say(self, text: str) -> None:
        self.lines.append(text)

    def step(self, text: str) -> None:
        self.lines.append(text)
        self.stepped.set()


@pytest.fixture
def use_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(script: str) -> None:
        go = tmp_path / "go"
        go.write_text(script)
        go.chmod(0o755)
        monkeypatch.setattr("devcluster.golang.find_go", lambda *_: go)

    return use


def test_a_build_puts_every_program_into_the_cache_and_says_how_far_it_is(
    tmp_path: Path, use_go: Callable[[str], None]
) -> None:
    use_go(WORKING_GO)
    progress = Recorded()

    build(tmp_path, PINS, progress)

    assert {path.name for path in built_folder(tmp_path, PINS).iterdir()} == set(PACKAGES)
    assert progress.lines[0].startswith("building etcd, kube-apiserver, kubectl (Kubernetes v1.")
    assert any("3 of 3 packages" in line for line in progress.lines)


@pytest.mark.parametrize(("own", "used"), [({}, "800 1GiB"), ({"GOGC": "50", "GOMEMLIMIT": "200MiB"}, "50 200MiB")])
def test_the_compiler_may_take_memory_as_far_as_the_user_lets_it(
    tmp_path: Path,
    use_go: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    own: dict[str, str],
    used: str,
) -> None:
    for name in ("GOGC", "GOMEMLIMIT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    use_go(WORKING_GO.replace("build)", f'build)\n    echo "$GOGC $GOMEMLIMIT" >{tmp_path}/settings'))

    build(tmp_path, PINS, Silent())

    assert (tmp_path / "settings").read_text() == f"{used}\n"


def test_a_build_that_fails_shows_the_last_lines_and_what_it_needs(
    tmp_path: Path, use_go: Callable[[str], None]
) -> None:
    use_go(FAILING_GO)

    with pytest.raises(BuildError) as raised:
        build(tmp_path, PINS, Silent())

    message = str(raised.value)
    assert "go mod ended with 7" in message
    assert "no route to host" in message
    assert "Hint: a build needs a reachable Go module proxy" in message
    assert list(built_folder(tmp_path, PINS).iterdir()) == []


def test_who_waits_for_another_build_takes_what_that_one_made(tmp_path: Path, use_go: Callable[[str], None]) -> None:
    use_go(FAILING_GO)
    folder = built_folder(tmp_path, PINS)
    folder.mkdir(parents=True)
    progress = Recorded()
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = Thread(target=build, args=(tmp_path, PINS, progress))
        waiting.start()
        assert progress.stepped.wait(30)
        for name in PACKAGES:
            (folder / name).touch()

    waiting.join(30)

    assert not waiting.is_alive()
    assert "waiting for another build" in progress.lines[0]
    assert not any("building" in line for line in progress.lines)
