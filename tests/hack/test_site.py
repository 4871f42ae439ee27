"""The site of the documentation: every page has one place, and what leads nowhere fails the build."""

import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "docs" / "conf.py"

#: Seconds; a site of one page takes two on an idle machine.
DEADLINE = 120.0


def places() -> Iterator[str]:
    """Every page that the sidebar names."""
    conf = runpy.run_path(str(CONF))
    for entries in conf["NAVIGATION"].values():
        yield from (re.sub(r".*<(.*)>", r"\1", entry) for entry in entries)
    for index, patterns in conf["INDEXES"].items():
        below = (path.with_suffix("") for pattern in patterns for path in ROOT.glob(f"{pattern.lstrip('/')}.md"))
        yield from (str(path.relative_to(ROOT)) for path in below if path != ROOT / index)


def test_every_page_has_one_place_in_the_sidebar() -> None:
    pages = {path.with_suffix("").relative_to(ROOT) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]}

    assert Counter(places()) == Counter(str(page) for page in pages if str(page) != "README")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A tree with the real configuration and no page yet."""
    (tmp_path / "docs").mkdir()
    shutil.copy(CONF, tmp_path / "docs")
    shutil.copytree(CONF.parent / "assets", tmp_path / "docs" / "assets")
    return tmp_path


def said(tree: Path, page: str) -> str:
    """What Sphinx warns of besides the pages that this tree lacks."""
    (tree / "README.md").write_text(page)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-c", "docs", ".", "site"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=tree)
    assert done.returncode == 1, done.stderr
    return "\n".join(line for line in done.stderr.splitlines() if "nonexisting document" not in line)


def test_what_leads_nowhere_fails_the_build(small: Path) -> None:
    warnings = said(small, "# A\n\n[page](docs/none.md) [anchor](#none) [good](#b)\n\n## B\n\n![picture](none.png)\n")

    assert "'docs/none.md'" in warnings
    assert "'none'" in warnings
    assert "none.png" in warnings
    assert "'b'" not in warnings


def test_a_page_asks_no_other_machine_for_anything(small: Path) -> None:
    said(small, "# A\n\nText.\n")
    shown = "".join(path.read_text() for path in (small / "site").rglob("*") if path.suffix in (".html", ".css", ".js"))

    assert "<title>" in shown
    assert re.findall(r"""(?:src|@import|url)\s*[=(]\s*["']?https?:""", shown) == []
    assert re.findall(r"<link[^>]*https?:", shown) == []
