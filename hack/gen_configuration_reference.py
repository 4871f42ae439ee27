"""Writes docs/reference/configuration.md: `python hack/gen_configuration_reference.py [--check]`.

It is made from the option tables that the programs parse their arguments with: it cannot differ from `--help`.
"""

import sys
from collections.abc import Iterator, Sequence

from hypertally.agent.options import AGENT
from hypertally.controller.options import CONTROLLER
from hypertally.serving.options import CONFIG, Program
from reference_page import REFERENCE, Page, code, table

_INTRODUCTION = """\
# Configuration reference

<!-- Made from the programs' own option tables by hack/gen_configuration_reference.py: change it there. -->

Each setting can be given as a flag, as a variable of the environment, and in a file, under the same name. A flag goes
before the environment, the environment before the file, and the file before the default.

The file is YAML, named by `--config`. Its keys are the flags without the dashes; what may be repeated is a list:

```yaml
node-name: n1
connection:
- qemu:///system
log-level: debug
```

A value that is not allowed ends the program with status 2 and one line that names the flag, the variable or the file's
line and key, the value, and what is allowed. `--check-config` checks everything in this way without asking libvirt or
the API server, and prints each setting with where it comes from, as a file that would set the same. Times are in
seconds.
"""

_AGENT = """\
## hypertally-agent

`--connection` and `--reserved-huge-pages` may be given several times; in the environment their values are separated by
blanks. `--device-spec` may be too; in the file its values are mappings, as in Nova's configuration.

One connection has no name, every further one has: `NAME=URI`. Its ComputeNode is then called after both, such as
`n1--lab` for the connection `lab` of the agent on node `n1`.
"""

_FURTHER = """\
`--once` and `--check-config` take no value, and are flags only. `-o` is short for `--output`. `--version` and `--help`
print and end.

Exit codes: 0 after an orderly end; 1 when `--once` could not audit at least one host; 2 for a value that is not
allowed, a kubeconfig that cannot be used or an address that is taken; 3 when `--once` audited every host but parts are
unknown; 70 when so many calls to libvirt hang that only a new process helps.
"""

_CONTROLLER = """\
## hypertally-controller
"""

_ENDS = """\
`--check-config` takes no value, and is a flag only. `--version` and `--help` print and end.

Exit codes: 0 after an orderly end; 1 for a kubeconfig that cannot be used, missing rights or CRDs, or an address that
is taken; 2 for a value that is not allowed.
"""

_HEAD = ("Flag", "Variable", "Default", "Meaning")


def text() -> str:
    return "\n".join([
        _INTRODUCTION,
        _AGENT,
        table(_HEAD, _rows(AGENT)),
        _FURTHER,
        _CONTROLLER,
        table(_HEAD, _rows(CONTROLLER)),
        _ENDS,
    ]).rstrip() + "\n"  # fmt: skip


def _rows(program: Program) -> Iterator[Sequence[str]]:
    for option in (CONFIG, *program.options):
        flag = f"{option.flag} {option.metavar}"
        yield code(flag), code(option.variable), code(option.default) or option.shown_default, option.help


PAGE = Page(REFERENCE / "configuration.md", "gen_configuration_reference.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
