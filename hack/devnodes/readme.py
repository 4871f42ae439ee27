"""The commands of the README by which a person installs Hypertally: the lane runs these, and no others."""

import re
from pathlib import Path

from devnodes.errors import NodesError

README = Path(__file__).resolve().parents[2] / "README.md"

_SECTION = re.compile(r"^## Install\n(.*?)^## ", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(text: str | None = None) -> list[str]:
    """Of the one block of commands below `## Install`, in order; a line that goes on below is one with it."""
    section = _SECTION.search(README.read_text() if text is None else text)
    blocks = _BLOCK.findall(section[1]) if section else []
    if len(blocks) != 1:
        raise NodesError(
            f"{README.name}: below `## Install` are {len(blocks)} blocks of commands (```sh), expected one"
        )
    return [line.strip() for line in blocks[0].replace("\\\n", " ").splitlines() if line.strip()]


def before_the_cluster() -> list[str]:
    """What builds: up to the first command that asks a cluster."""
    return commands()[: _first_of_the_cluster()]


def on_the_cluster() -> list[str]:
    return commands()[_first_of_the_cluster() :]


def _first_of_the_cluster() -> int:
    found = [number for number, command in enumerate(commands()) if command.split()[0] in ("helm", "kubectl")]
    if not found:
        raise NodesError(f"{README.name}: no command below `## Install` begins with helm or kubectl")
    return found[0]
