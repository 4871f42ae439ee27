"""`make demo`: on a terminal it stays until Ctrl-C; without one it checks what it shows and ends."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from devcluster import Cluster, ClusterError, Console
from devcluster.progress import elapsed

from . import screen, story
from .hosts import DemoHost, choose
from .programs import Programs

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("uri", nargs="*", metavar="[NAME=]URI", help="libvirt hosts (default: test:///default, "
                        "and qemu:///system where a libvirtd answers)")  # fmt: skip
    parser.add_argument("--check", action="store_true", help="do not stay, even on a terminal")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _run(choose(options.uri), stay=sys.stdout.isatty() and not options.check)
    except KeyboardInterrupt:
        return 0
    except (ClusterError, OSError, ValueError) as error:
        print(f"\nmake demo: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    return 0


def _run(hosts: Sequence[DemoHost], *, stay: bool) -> None:
    began, console = time.monotonic(), Console()
    with Cluster.start("demo", progress=console) as cluster:
        cluster.apply(ROOT / "crds", ROOT / "deploy")
        programs = Programs(cluster, hosts)
        try:
            console.say(f"starting the controller, and an agent on {', '.join(host.uri for host in hosts)}")
            programs.start()
            _tell(cluster, hosts, console)
            console.say(f"up in {elapsed(began, time.monotonic())}")
            if stay:
                screen.stay(cluster)
            else:
                print(screen.tables(cluster), screen.reasons(cluster), screen.invitation(cluster), sep="\n")
        finally:
            programs.stop()


def _tell(cluster: Cluster, hosts: Sequence[DemoHost], console: Console) -> None:
    """Raises when anything is not as it should be: what is shown is also checked."""
    story.wait_for_nodes(cluster, hosts)
    story.create_instances(cluster, hosts, console)
    story.wait_for_instances(cluster)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


sys.exit(main())
