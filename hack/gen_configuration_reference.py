"""Writes docs/reference/configuration.md: `python hack/gen_configuration_reference.py [--check]`.

It is made from the option tables that the programs parse their arguments with: it cannot differ from `--help`.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields

from hypertally.agent.options import _OPTIONS as AGENT_OPTIONS
from hypertally.controller.options import _HELP as CONTROLLER_HELP
from hypertally.controller.options import PREFIX
from hypertally.controller.settings import Settings
from reference_page import REFERENCE, Page, code, table

_INTRODUCTION = """\
# Configuration reference

<!-- Made from the programs' own option tables by hack/gen_configuration_reference.py: change it there. -->

A flag goes before the environment, and the environment before the default. Nothing is read from a configuration file.
A value that is not allowed ends the program with status 2 and one line that names the flag or the variable, the value,
and what is allowed. Times are in seconds.
"""

_AGENT = """\
## hypertally-agent

`--connection` may be given several times; in the environment its values are separated by blanks. One connection has no
name, every further one has: `NAME=URI`. Its ComputeNode is then called after both, such as `n1--lab` for the connection
`lab` of the agent on node `n1`.
"""

_FURTHER = """\
`--once` takes no value and has no variable. `-o` is short for `--output`. `--version` and `--help` print and end.

Exit codes: 0 after an orderly end; 1 when `--once` could not audit at least one host; 2 for a value that is not
allowed, a kubeconfig that cannot be used or an address that is taken; 3 when `--once` audited every host but parts are
unknown; 70 when so many calls to libvirt hang that only a new process helps.
"""

_CONTROLLER = """\
## hypertally-controller
"""

_ENDS = """\
Exit codes: 0 after an orderly end; 1 for a kubeconfig that cannot be used, missing rights or CRDs, or an address that
is taken; 2 for a value that is not allowed.
"""

_HEAD = ("Flag", "Variable", "Default", "Meaning")


def text() -> str:
    return "\n".join([
        _INTRODUCTION,
        _AGENT,
        table(_HEAD, _agent_rows()),
        _FURTHER,
        _CONTROLLER,
        table(_HEAD, _controller_rows()),
        _ENDS,
    ]).rstrip() + "\n"  # fmt: skip


def _agent_rows() -> Iterator[Sequence[str]]:
    for option in AGENT_OPTIONS:
        flag = f"{option.flag} {option.metavar}".strip()
        yield code(flag), code(option.variable), code(str(option.default)) or "none", option.help


def _controller_rows() -> Iterator[Sequence[str]]:
    for field in fields(Settings):
        flag = f"--{field.name.replace('_', '-')}"
        default = _shown(field.default)
        meaning = CONTROLLER_HELP[field.name].partition(" (default:")[0]
        yield code(flag), code(PREFIX + field.name.upper()), code(default) or _unset(field.name), meaning


def _shown(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def _unset(name: str) -> str:
    """What stands in for a value that has no default of its own."""
    _, _, said = CONTROLLER_HELP[name].partition(" (default: ")
    return said.removesuffix(")") or "none"


PAGE = Page(REFERENCE / "configuration.md", "gen_configuration_reference.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
