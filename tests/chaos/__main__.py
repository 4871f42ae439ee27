"""`python -m tests.chaos --faults 1000 --seed 1`: faults on a whole world of real parts, and what must hold in it."""

import argparse
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from devcluster import ClusterError
from devhost import HostError

from .clock import ClockMissing
from .plan import deal
from .run import Bounds, Violated, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other faults (default: 1)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round of fifty after that")
    parser.add_argument("--plan", action="store_true", help="print the faults of that seed, and end")
    given = parser.parse_args()
    if given.faults < 1:
        parser.error(f"--faults {given.faults}: at least 1")
    if given.plan:
        print(*deal(given.seed, given.faults), sep="\n")
        return 0
    return _run(given)


def _run(given: argparse.Namespace) -> int:
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        run(given.seed, given.faults, folder, partial(print, flush=True), Bounds(given.minutes))
    except (Violated, ClusterError, HostError, ClockMissing, TimeoutError) as error:
        print(error, *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
        print(
            f"The same faults again: make chaos FAULTS={given.faults} SEED={given.seed}; logs in {folder}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        return 130
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
