"""What the demo prints."""

import sys
import time

from devcluster import Cluster

from .story import messages

_REFRESH_SECONDS = 1.0
_CLEAR = "\033[H\033[2J"


def tables(cluster: Cluster) -> str:
    return "\n".join(f"$ kubectl get {kind}\n{cluster.kubectl('get', kind)}" for kind in ("computenodes", "instances"))


def reasons(cluster: Cluster) -> str:
    return "\n".join(messages(cluster)) or "no Instances"


def invitation(cluster: Cluster) -> str:
    """The lines that let another terminal use the same cluster, with the kubectl that fits it."""
    programs = cluster.programs.kubectl.path.parent
    return f"""For another terminal, as long as this runs:
  export KUBECONFIG={cluster.kubeconfig} PATH={programs}:$PATH"""


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
