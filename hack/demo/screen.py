"""What the demo prints."""

import shutil
import sys
import time

from devcluster import Cluster

from .story import FITS, TOO_BIG, claimed

_REFRESH_SECONDS = 1.0
_CLEAR = "\033[H\033[2J\033[3J"


def tables(cluster: Cluster) -> str:
    return "\n".join(f"$ kubectl get {kind}\n{cluster.kubectl('get', kind)}" for kind in ("computenodes", "instances"))


def reasons(cluster: Cluster) -> str:
    return "\n".join(f"{name}: {claimed(cluster, name).get('message', '')}" for name in (FITS, TOO_BIG))


def invitation(cluster: Cluster) -> str:
    """The lines that let another terminal use the same cluster."""
    lines = [f"export KUBECONFIG={cluster.kubeconfig}"]
    program = cluster.programs.kubectl.path
    if shutil.which("kubectl") is None:
        lines.append(f"alias kubectl={program}")
    return "For another terminal, as long as this runs:\n" + "\n".join(f"  {line}" for line in lines)


def stay(cluster: Cluster) -> None:
    """Redraws when something changes, until Ctrl-C."""
    shown = ""
    while True:
        page = f"{tables(cluster)}\n{reasons(cluster)}\n\n{invitation(cluster)}\n\nCtrl-C ends the demo.\n"
        if page != shown:
            sys.stdout.write(_CLEAR + page)
            sys.stdout.flush()
            shown = page
        time.sleep(_REFRESH_SECONDS)
