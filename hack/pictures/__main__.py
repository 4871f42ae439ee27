"""Draws docs/pictures: `python -m pictures` (as root; some five minutes on real hosts).

`--save FILE` keeps what Prometheus answered, `--load FILE` draws that, without another run.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from devcluster import Cluster
from devhost.host import Host
from devprometheus import Stage, read_dashboard

from .draw import draw
from .record import Record, Window
from .story import HOSTS, Scene, play

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_STEP = 1.5
_VARIABLES = {"compute_node": "hv2", "__rate_interval": "15s"}
_DASHBOARDS = {name: read_dashboard(name, _VARIABLES) for name in ("fleet", "host")}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="pictures", description="Draws docs/pictures.")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep what Prometheus answered")
    parser.add_argument("--load", type=Path, metavar="FILE", help="draw that, without another run")
    told = parser.parse_args()
    record = Record.load(told.load) if told.load else run()
    if told.save:
        record.save(told.save)
    for name, dashboard in _DASHBOARDS.items():
        path = PICTURES / f"{name}.png"
        draw(dashboard, record, path)
        say(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def run() -> Record:
    with ExitStack() as stack:
        images = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pictures-")))
        images.chmod(0o755)  # QEMU runs as a user of its own
        hosts = {name: stack.enter_context(Host.start(name, images=images)) for name in HOSTS}
        cluster = stack.enter_context(Cluster.start("pictures", may_build=False))
        stage = stack.enter_context(Stage(cluster, hosts))
        begun = time.time()
        play(Scene(stage, hosts), say)
        return Record.take(_DASHBOARDS.values(), stage.prometheus, Window(begun, time.time(), _STEP))


if __name__ == "__main__":
    main()
