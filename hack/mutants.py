"""What the tests of the accounting would miss: `make mutants MODULES="reconcile charges"`, all modules without MODULES.

Each module of hypertally.ledger is changed in one place at a time, by mutmut; a change that no test notices survives.
Survivors that no test can kill are listed with the reason in tests/ledger/equivalent_mutants.toml. The exit code is 1
if fewer than 90 % are killed, or if one survives that is not listed there.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEDGER = ROOT / "operator" / "hypertally" / "ledger"
EXPLAINED = ROOT / "tests" / "ledger" / "equivalent_mutants.toml"
STAGE = ROOT / ".mutants"
LOG = STAGE / "mutmut.log"

WANTED = 90
"""Per cent."""

SEARCHES = ("test_machine.py", "test_reference_model.py", "test_*properties.py")
"""They look for cases, each of which takes seconds to minutes: too slow to run for each mutant. What is killed without
them is killed by a test that names its case."""

DEADLINE = 6 * 3600
"""Seconds."""

_PROPERTY = re.compile(r"^    @property\n(    def (\w+)\(self\).*\n(?:(?: {8}.*)?\n)+?)(?=^ {0,4}\S|\Z)", re.MULTILINE)

_SETTINGS = """\
[tool.mutmut]
source_paths = ["src"]
only_mutate = [{modules}]
pytest_add_cli_args_test_selection = [{tests}]
use_git_change_detection = false

[tool.pytest.ini_options]
pythonpath = ["."]
addopts = ["--import-mode=importlib", "--assert=plain", "-p", "no:cacheprovider"]
markers = ["timeout"]
"""


@dataclass(frozen=True)
class Mutant:
    """`was` and `becomes` are the lines that differ, without their indentation."""

    module: str
    function: str
    status: str
    was: str = ""
    becomes: str = ""

    def __str__(self) -> str:
        return f"{self.module}.{self.function}: {self.status}\n  - {self.was}\n  + {self.becomes}"


@dataclass(frozen=True)
class Explanation:
    """Why a mutant does the same as the code; `becomes` may be a pattern, for several mutants of one kind."""

    module: str
    function: str
    was: str
    becomes: str
    reason: str

    def fits(self, mutant: Mutant) -> bool:
        place = (self.module, self.function, self.was) == (mutant.module, mutant.function, mutant.was)
        return place and (self.becomes == mutant.becomes or fnmatch(mutant.becomes, self.becomes))


def main(arguments: Sequence[str]) -> int:
    modules = list(arguments) or sorted(path.stem for path in LEDGER.glob("[!_]*.py"))
    if unknown := [name for name in modules if not (LEDGER / f"{name}.py").is_file()]:
        print(f"no module of the ledger: {', '.join(unknown)}", file=sys.stderr)
        return 2
    prepare(modules)
    print(f"mutmut runs, for minutes to an hour; what it says is in {LOG}", file=sys.stderr)
    if (code := mutmut("run", "--max-children", "1", log=LOG)) != 0:
        print(LOG.read_text()[-2000:], file=sys.stderr)
        return code
    mutants = [with_lines(*each) for each in results()]
    return judge(mutants, explanations(), modules)


def prepare(modules: Iterable[str]) -> None:
    """A copy for mutmut: it wants the package in `src`, and its tests without the plugins of the real parts."""
    shutil.rmtree(STAGE, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LEDGER.parent, STAGE / "src" / "hypertally", ignore=ignored)
    shutil.copytree(ROOT / "tests" / "ledger", STAGE / "tests" / "ledger", ignore=ignored)
    for path in (STAGE / "src" / "hypertally" / "ledger").glob("*.py"):
        path.write_text(without_decorators(path.read_text()))
    names = sorted(path.name for path in (STAGE / "tests" / "ledger").glob("test_*.py"))
    tests = [f"tests/ledger/{name}" for name in names if not any(fnmatch(name, search) for search in SEARCHES)]
    sources = [f"src/hypertally/ledger/{module}.py" for module in modules]
    settings = _SETTINGS.format(modules=_listed(sources), tests=_listed(tests))
    (STAGE / "pyproject.toml").write_text(settings)


def without_decorators(source: str) -> str:
    """mutmut leaves decorated functions alone; a property that is made by a call does the same and is mutated."""
    return _PROPERTY.sub(r"\1    \2 = property(\2)\n\n", source)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def mutmut(*arguments: str, log: Path) -> int:
    """Gives way to all other work. Hypothesis draws the same examples each time, as in continuous integration."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    environment |= {"CI": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    program = ["nice", "-n", "15", str(Path(sys.executable).parent / "mutmut"), *arguments]
    with log.open("w") as out:
        done = subprocess.run(
            program, cwd=STAGE, env=environment, stdout=out, stderr=subprocess.STDOUT, check=False, timeout=DEADLINE
        )
    return done.returncode


def results() -> list[tuple[str, str]]:
    """Each mutant's name, and what became of it."""
    said = STAGE / "results.txt"
    mutmut("results", "--all", "true", log=said)
    return re.findall(r"^ +(\S+__mutmut_\d+): (.+)$", said.read_text(), re.MULTILINE)


def with_lines(name: str, status: str) -> Mutant:
    place, _, rest = name.partition("__mutmut_")
    *_, module, mangled = place.split(".")
    function = mangled.removeprefix("xǁ").replace("ǁ", ".") if "ǁ" in mangled else mangled.removeprefix("x_")
    if is_killed(status):
        return Mutant(module, function, status)
    said = STAGE / f"{module}.{function}.{rest}.diff"
    mutmut("show", name, log=said)
    return Mutant(module, function, status, *changed_lines(said.read_text()))


def changed_lines(diff: str) -> tuple[str, str]:
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    was, becomes = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
    return " ".join(was), " ".join(becomes)


def is_killed(status: str) -> bool:
    return status in ("killed", "timeout")


def explanations() -> list[Explanation]:
    return [Explanation(**each) for each in tomllib.loads(EXPLAINED.read_text()).get("mutant", [])]


def judge(mutants: Sequence[Mutant], reasons: Sequence[Explanation], modules: Sequence[str]) -> int:
    """Prints the table, what survived without a reason, and reasons that nothing needs any more."""
    survivors = [mutant for mutant in mutants if not is_killed(mutant.status)]
    explained = {mutant for mutant in survivors if any(reason.fits(mutant) for reason in reasons)}
    print("| Module | Mutants | Killed | of them by time-out | Survived | of them explained | Score |")
    print("|---|---|---|---|---|---|---|")
    for module in modules:
        print(_row(module, [m for m in mutants if m.module == module], explained))
    print(_row("all", mutants, explained))
    bare = [mutant for mutant in survivors if mutant not in explained]
    for mutant in bare:
        print(f"\n{mutant}")
    for reason in reasons:
        if reason.module in modules and not any(reason.fits(mutant) for mutant in survivors):
            print(f"\n{reason.module}.{reason.function}: nothing survives that needs this reason\n  + {reason.becomes}")
    return 1 if bare or (len(mutants) - len(survivors)) * 100 < WANTED * len(mutants) else 0


def _row(name: str, mutants: Sequence[Mutant], explained: Iterable[Mutant]) -> str:
    by_status = Counter(mutant.status for mutant in mutants)
    killed = sum(count for status, count in by_status.items() if is_killed(status))
    known = set(explained)
    why = sum(mutant in known for mutant in mutants if not is_killed(mutant.status))
    score = f"{killed * 100 / len(mutants):.1f} %" if mutants else "-"
    numbers = (len(mutants), killed, by_status["timeout"], len(mutants) - killed, why)
    return f"| {name} | {' | '.join(map(str, numbers))} | {score} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
