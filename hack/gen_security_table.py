"""Writes the tables of docs/security.md from what the tests walk: `python hack/gen_security_table.py [--check]`."""

import re
import sys
from collections.abc import Callable, Mapping

from authority import attempts, matrix
from reference_page import ROOT, Page, table

_PATH = ROOT / "docs" / "security.md"


def text() -> str:
    """The page with fresh tables; the prose around them is written by hand."""
    page = _PATH.read_text()
    for name, make in _TABLES.items():
        begin, end = f"<!-- {name}: made by hack/gen_security_table.py -->\n", f"<!-- end of {name} -->"
        page, found = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}", f"{begin}\n{make()}\n{end}", page, flags=re.DOTALL
        )
        if found != 1:
            raise SystemExit(f"docs/security.md has {found} times {begin.strip()} … {end}: it must have one")
    return page


def _rights() -> str:
    head = ("Resource", "Agent, of its own node", "Agent, of another node", "Controller")
    return table(head, matrix.rows())


def _attempts() -> str:
    return table(("Who", "Tries to", "Resource", "Is"), attempts.rows())


_TABLES: Mapping[str, Callable[[], str]] = {"rights": _rights, "attempts": _attempts}

PAGE = Page(_PATH, "gen_security_table.py", text)

if __name__ == "__main__":
    sys.exit(PAGE.run(sys.argv[1:]))
