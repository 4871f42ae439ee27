"""The commands of the pages by which a person installs, upgrades and removes Hypertally: the lane runs these."""

import re
from pathlib import Path

from devnodes.errors import NodesError

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
INSTALL = ROOT / "docs" / "install.md"
OPERATIONS = ROOT / "docs" / "operations.md"

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(text: str | None = None) -> list[str]:
    """The README's, of the one block of commands below `## Install`."""
    return _of_one_block(README, "Install", text)


def on_the_install_page() -> list[str]:
    return _of_one_block(INSTALL, "Install")


def upgrading() -> list[str]:
    return _of_one_block(OPERATIONS, "Upgrading")


def uninstalling() -> list[str]:
    """What takes away the release, then what takes away the rest."""
    return [command for block in _blocks(INSTALL.read_text(), "Uninstall") for command in _lines(block)]


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


def _of_one_block(page: Path, heading: str, text: str | None = None) -> list[str]:
    blocks = _blocks(page.read_text() if text is None else text, heading)
    if len(blocks) != 1:
        raise NodesError(
            f"{page.name}: below `## {heading}` are {len(blocks)} blocks of commands (```sh), expected one"
        )
    return _lines(blocks[0])


def _blocks(text: str, heading: str) -> list[str]:
    """Up to the next heading, of whatever level."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    return _BLOCK.findall(section[1]) if section else []


def _lines(block: str) -> list[str]:
    """A line that goes on below is one with it."""
    return [line.strip() for line in block.replace("\\\n", " ").splitlines() if line.strip()]
