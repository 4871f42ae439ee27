"""`kubectl_complete-hypertally`: kubectl asks the program of this name what could stand next.

The answer is as of kubectl's own commands (cobra): one line for each, with a tab before its meaning, and last `:` with
a number of hints for the shell.
"""

import sys
from collections.abc import Iterator, Sequence

from click.shell_completion import ShellComplete

from .main import cli

_NO_FILES, _FILES = 4, 0
"""cobra's ShellCompDirectiveNoFileComp and ShellCompDirectiveDefault."""


def main() -> None:
    print(*answers(sys.argv[1:]), sep="\n")  # noqa: T201  # to kubectl


def answers(words: Sequence[str]) -> Iterator[str]:
    """`words`: all after the plugin's name; the last is the one that is being typed."""
    *before, incomplete = words or [""]
    found = ShellComplete(cli, {}, "kubectl hypertally", "").get_completions(list(before), incomplete)
    for each in found:
        if each.type == "plain":
            yield f"{each.value}\t{each.help}" if each.help else str(each.value)
    yield f":{_FILES if any(each.type == 'file' for each in found) else _NO_FILES}"
