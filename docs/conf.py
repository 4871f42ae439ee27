"""How Sphinx makes a site of the pages as they lie: the root of the repository is the root of the site.

So every link leads to the same file here, on a forge and in the site, and no page is there twice. Which page stands
where is told by NAVIGATION alone; pages are plain Markdown. `make docs` builds it, and every warning is an error.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Final

from sphinx.application import Sphinx

#: The headings of the sidebar, with the pages below them; a title in front stands for the page's own. Sphinx tells of a
#: page that is nowhere here.
NAVIGATION: Final[Mapping[str, Sequence[str]]] = {
    "Start": ["docs/first-steps", "docs/install"],
    "Understand": ["docs/concepts", "docs/schedulers", "docs/nova", "docs/limits", "docs/decisions/README"],
    "Operate": [
        "docs/operations",
        "docs/images",
        "docs/plugin",
        "docs/backup",
        "docs/capacity",
        "docs/security",
        "docs/performance",
        "docs/reliability",
    ],
    "Reference": [
        "API <docs/reference/api>",
        "Conditions <docs/reference/conditions>",
        "Events <docs/reference/events>",
        "Values of the chart <docs/reference/values>",
        "Configuration <docs/reference/configuration>",
        "Metrics <docs/reference/metrics>",
        "Alerts and runbooks <docs/reference/alerts>",
    ],
    "Contribute": ["CONTRIBUTING", "docs/a-day-in-the-code", "docs/lane", "docs/mutants", "SECURITY", "CHANGELOG"],
}

#: Pages that have others below them.
INDEXES: Final[Mapping[str, Sequence[str]]] = {
    "docs/decisions/README": ["/docs/decisions/*"],
    "docs/reference/alerts": ["/docs/runbooks/*"],
}

project = "Hypertally"
root_doc = "README"
include_patterns = ["*.md", "docs/**.md"]
source_suffix = {".md": "markdown"}
extensions = ["myst_parser"]
myst_heading_anchors = 4
nitpicky = True
smartquotes = False  # in NODE--NAME a dash is a dash

html_theme = "furo"
html_title = "Hypertally"
html_static_path = ["assets"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
templates_path: list[str] = []


def toctree(entries: Sequence[str], caption: str = "") -> str:
    title = [f":caption: {caption}"] if caption else []
    return "\n".join(["", "```{toctree}", ":hidden:", ":glob:", *title, "", *entries, "```", ""])


def add_navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += "".join(toctree(entries, caption) for caption, entries in NAVIGATION.items())
    elif page in INDEXES:
        source[0] += toctree(INDEXES[page])


def begin_at_the_readme(app: Sphinx, error: Exception | None) -> None:
    """A web server shows a folder by its index.html."""
    if not error and app.builder.format == "html":
        copyfile(Path(app.outdir) / f"{root_doc}.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_navigation)
    app.connect("build-finished", begin_at_the_readme)
