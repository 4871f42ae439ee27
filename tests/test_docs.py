"""What the pages say of the code is so: links, files, names, flags, fields, conditions."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gen_api_reference import ORDER, load_crd, schema_of, walk
from gen_configuration_reference import PAGE as CONFIGURATION
from hypertally.api.compute_node import NodeCondition
from hypertally.api.instance import InstanceCondition
from hypertally.api.migration import MigrationCondition
from hypertally.hypervisor import errors
from hypertally.plugin.main import cli
from hypertally.plugin.main import cli as plugin

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "operator" / "hypertally"
CONDITIONS = ROOT / "docs" / "reference" / "conditions.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

#: The modules in which conditions are said.
SPEAKERS = [
    *sorted(CODE.glob("ledger/*_conditions.py")),
    CODE / "agent" / "verdicts.py",
    CODE / "agent" / "observer.py",
    CODE / "agent" / "roster.py",
    CODE / "controller" / "collector.py",
    CODE / "ledger" / "collection.py",
    CODE / "ledger" / "gate.py",
]

#: The observer calls what no other reason fits after the type of the error.
REASONS_BY_TYPE = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.HypervisorError)
} - {"HypervisorError", "HypervisorUnavailable", "BadSetting"}  # fmt: skip

#: Flags of kubectl and of the development tools, which pages name as well.
FLAGS_OF_OTHERS = {
    "--all",
    "--all-namespaces",
    "--architecture",
    "--archive",
    "--base",
    "--bound-object-kind",
    "--bound-object-name",
    "--bound-object-uid",
    "--build-arg",
    "--check",
    "--comment",
    "--connect",
    "--create-namespace",
    "--duration",
    "--etcd-compaction-interval",
    "--field-selector",
    "--for",
    "--force-conflicts",
    "--help",
    "--ignore-not-found",
    "--install",
    "--list",
    "--logs",
    "--namespace",
    "--no-hooks",
    "--only",
    "--options",
    "--patch",
    "--patience",
    "--output",
    "--prefix",
    "--previous",
    "--quota-backend-bytes",
    "--repository",
    "--reset-then-reuse-values",
    "--server-side",
    "--set",
    "--set-string",
    "--show-managed-fields",
    "--strict",
    "--subresource",
    "--take-ownership",
    "--timeout",
    "--type",
    "--volume",
    "--wait",
}


#: Of the repository; other paths of modules are below `operator/hypertally/`.
FOLDERS = ("benchmarks/", "docs/", "examples/", "hack/", "tests/")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def inline_code(page: Path) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)))


def commands(page: Path) -> set[str]:
    """Code in a line, and the lines of blocks of code, without their comments."""
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(), re.DOTALL)
    return inline_code(page) | {line.partition("  #")[0] for block in blocks for line in block.splitlines()}


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@by_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@by_page
def test_every_file_that_is_named_is_there(page: Path) -> None:
    for name in inline_code(page):
        if re.fullmatch(r"(\.?[\w-]+/)+[\w.-]*", name) and not name.startswith((".venv/", "dist/", "qemu")):
            assert (ROOT / name).exists() or (CODE / name).exists() or "/" not in name.strip("/"), name


@by_page
def test_every_name_in_a_module_is_there(page: Path) -> None:
    for code in inline_code(page):
        if found := re.fullmatch(r"([\w/]+\.py):(\w+)", code):
            root = ROOT if found[1].startswith(FOLDERS) else CODE
            assert found[2] in names_of(root / found[1]), code


@cache
def names_of(module: Path) -> frozenset[str]:
    """Functions, classes and constants."""
    body = ast.parse(module.read_text()).body
    constants = {target.id for node in body for target in _targets(node) if isinstance(target, ast.Name)}
    return frozenset(node.name for node in body if isinstance(node, _DEFINITIONS)) | constants


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


FLAGS_OF_THE_PLUGIN = {flag for command in plugin.commands.values() for each in command.params for flag in each.opts}


@by_page
def test_every_flag_that_is_named_exists(page: Path) -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", CONFIGURATION.text())) | FLAGS_OF_OTHERS | FLAGS_OF_THE_PLUGIN

    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text())) <= known


@by_page
def test_every_variable_that_is_named_exists(page: Path) -> None:
    known = set(re.findall(r"HYPERTALLY_[A-Z_]+", configuration()))
    known |= {"HYPERTALLY_SEED", "HYPERTALLY_EXHAUSTIVE"}  # of the tests

    assert set(re.findall(r"HYPERTALLY_[A-Z_]+", page.read_text())) <= known


@by_page
def test_every_field_that_is_named_exists(page: Path) -> None:
    named = {code for code in inline_code(page) if re.fullmatch(r"(spec|status)(\.\w+)+", code)}

    assert named <= fields()


@cache
def fields() -> frozenset[str]:
    return frozenset(field.path.replace("[]", "") for plural in ORDER for field in walk(schema_of(load_crd(plural))))


@cache
def configuration() -> str:
    return CONFIGURATION.text()


@by_page
def test_every_target_of_make_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = {target for command in commands(page) for target in re.findall(r"\bmake (?:-s )?([a-z0-9-]+)", command)}

    assert named <= targets


@by_page
def test_every_command_of_the_plugin_that_is_named_exists(page: Path) -> None:
    named = {word for command in commands(page) for word in re.findall(r"kubectl[ -]hypertally ([a-z]+)", command)}

    assert named <= cli.commands.keys()


@by_page
def test_no_page_names_a_place_on_one_machine(page: Path) -> None:
    assert not re.search(r"/work/|/root/|/home/|/tmp/|\.\./shared", page.read_text())


def said_reasons() -> set[str]:
    """Every word in capitals-inside that a module says is a reason: the sentences beside them have blanks."""
    words = set(REASONS_BY_TYPE)
    for module in SPEAKERS:
        constants = (node.value for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Constant))
        words |= {word for word in constants if isinstance(word, str) and re.fullmatch(r"[A-Z][A-Za-z]+", word)}
    return words


def documented() -> dict[str, set[str]]:
    """The reasons of the page, by `Kind Type`."""
    result: dict[str, set[str]] = {}
    for kind, section in _sections(CONDITIONS.read_text(), "## "):
        for type_, part in _sections(section, "### "):
            rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", part, re.MULTILINE)
            result[f"{kind} {type_}"] = {reason for row in rows for reason in re.findall(r"\w+", row)}
    return result


def _sections(text: str, mark: str) -> Iterator[tuple[str, str]]:
    for part in re.split(rf"^{mark}", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield title, body


def test_every_condition_has_a_section() -> None:
    types = {"ComputeNode": NodeCondition, "Instance": InstanceCondition, "Migration": MigrationCondition}

    assert documented().keys() == {f"{kind} {type_}" for kind, known in types.items() for type_ in known}


def test_every_reason_of_the_code_has_a_row_that_says_what_to_do() -> None:
    assert said_reasons() - set().union(*documented().values()) == set()


def test_every_reason_of_the_page_is_said_by_the_code() -> None:
    assert set().union(*documented().values()) - said_reasons() == set()
