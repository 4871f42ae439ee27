"""Writes deploy/rbac.yaml and deploy/policies.yaml from the chart: `python hack/gen_deploy.py [--check]`.

They are for those who have no Helm, and for what runs without Pods: the demo, the tests, hosts outside of the cluster.
"""

import re
import subprocess
import sys
from collections.abc import Sequence

from devhelm import find_helm
from reference_page import ROOT, Page

CHART = ROOT / "helm" / "hypertally"
DEPLOY = ROOT / "deploy"

#: Seconds for one rendering.
DEADLINE = 60.0

#: Said of objects that Helm keeps: of these nobody keeps account.
_HELMS_OWN = re.compile(r"^ +(helm\.sh/chart|app\.kubernetes\.io/(instance|managed-by|version)): .*\n", re.MULTILINE)

_HEAD = "# Made from the chart's templates by hack/gen_deploy.py: change it there.\n"


def render(*templates: str) -> str:
    """These templates as Helm renders them with the chart's own values, without the labels of a release."""
    shown = [part for name in templates for part in ("--show-only", f"templates/{name}.yaml")]
    done = subprocess.run(
        [find_helm(), "template", "hypertally", CHART, "--namespace", "hypertally-system", *shown],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    documents = re.split(r"^---\n", done.stdout, flags=re.MULTILINE)
    return _HEAD + "---\n".join(_plain(document) for document in documents if document.strip())


def _plain(document: str) -> str:
    lines = re.sub(r"^# Source: .*\n", "", document, flags=re.MULTILINE)
    return _HELMS_OWN.sub("", re.sub(r"\n\s*\n", "\n", lines)).strip("\n") + "\n"


PAGES: Sequence[Page] = (
    Page(DEPLOY / "rbac.yaml", "gen_deploy.py", lambda: render("serviceaccounts", "rbac")),
    Page(DEPLOY / "policies.yaml", "gen_deploy.py", lambda: render("policies")),
)

if __name__ == "__main__":
    sys.exit(max(page.run(sys.argv[1:]) for page in PAGES))
