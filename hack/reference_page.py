"""What the generators of docs/reference/ have in common: tables, and `--check` for pages that are out of date."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"


@dataclass(frozen=True)
class Page:
    """A page that is made, not written: where it lies, by which program of hack/ it is made, and how."""

    path: Path
    generator: str
    text: Callable[[], str]

    def run(self, arguments: Sequence[str]) -> int:
        """Write the page, or with `--check` only say whether it is up to date. The exit code."""
        text = self.text()
        if "--check" not in arguments:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(text)
            return 0
        if self.path.exists() and self.path.read_text() == text:
            return 0
        print(f"{self.path.name} is out of date: run python hack/{self.generator}", file=sys.stderr)
        return 1


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def code(text: str) -> str:
    """Nothing for nothing: an empty code span is no Markdown."""
    return f"`{text}`" if text else ""
