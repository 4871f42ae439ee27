"""The command line. Exit codes: 0 every promise is kept, 1 some are broken, 2 the kit could not look."""

import argparse
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from devcluster import ClusterError
from hypertally.kube.access import find_access
from hypertally.kube.errors import KubeError

from .api import Api, ApiError
from .checks import CHECKS
from .cluster import own_cluster, prepare
from .stage import Broken, staged

EXIT_BROKEN, EXIT_UNUSABLE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    if problem := _problem(parsed.scheduler):
        print(f"conformance: --scheduler: {problem}", file=sys.stderr)
        return EXIT_UNUSABLE
    folder = Path(tempfile.mkdtemp(prefix="hypertally-conformance-"))
    try:
        with ExitStack() as ending:
            if parsed.kubeconfig:
                access = find_access(parsed.kubeconfig, parsed.context)
            else:
                access = ending.enter_context(own_cluster(folder / "controller.log"))
            api = Api(access)
            prepare(api)
            broken = [name for name in parsed.only or CHECKS if not _keeps(api, name, parsed, folder)]
    except (ApiError, ClusterError, KubeError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        return 130
    number = len(parsed.only or CHECKS)
    print(f"\n{number - len(broken)} of {number} promises are kept.")
    if broken:
        print(f"What the scheduler logged: {folder}")
        return EXIT_BROKEN
    shutil.rmtree(folder)
    return 0


def _problem(command: str) -> str:
    """Why it cannot be started; empty if it can."""
    try:
        program, *_ = shlex.split(command)
    except ValueError as error:
        return f"{command!r} is no command: {error}" if command.strip() else "the command is missing"
    return "" if shutil.which(program) else f"{program}: there is no such program"


def _keeps(api: Api, name: str, parsed: argparse.Namespace, folder: Path) -> bool:
    began, said = time.monotonic(), ""
    try:
        with staged(api, parsed.scheduler, parsed.patience, folder, name) as stage:
            CHECKS[name].run(stage)
    except Broken as error:
        said = str(error)
    verdict = "FAIL" if said else "PASS"
    print(f"{verdict}  {name:<12} {CHECKS[name].promise} ({time.monotonic() - began:.1f} s)", flush=True)
    if said:
        print(f"      {'':<12} {said}", flush=True)
    return not said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument(
        "--scheduler", required=True, metavar="COMMAND", help="starts it; $KUBECONFIG names the cluster to use"
    )
    parser.add_argument("--only", action="append", choices=CHECKS, metavar="CHECK", help=", ".join(CHECKS))
    parser.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help="per step (default: 30)")
    parser.add_argument(
        "--kubeconfig", default="", metavar="PATH", help="a cluster without ComputeNodes in which the controller runs; "
        "else one of its own is started"
    )  # fmt: skip
    parser.add_argument("--context", default="", metavar="NAME", help="of that kubeconfig")
    return parser


sys.exit(main())
