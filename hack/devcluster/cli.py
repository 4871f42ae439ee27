"""The command line: `python -m devcluster up | down | status | env | programs`."""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from devcluster import supervisor
from devcluster.errors import ClusterError
from devcluster.programs import find_programs
from devcluster.progress import Console, elapsed
from devcluster.state import Facts, Home, all_homes, find_home

DEFAULT_NAME = "dev"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 1 after one clear message on standard error."""
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _up(arguments: argparse.Namespace) -> None:
    home = find_home(arguments.name)
    for path in arguments.crds:
        if not path.exists():
            raise ClusterError(f"--crds {path}: there is no such file or folder")
    wish = supervisor.Wish(tuple(arguments.crds), arguments.audit, tuple(arguments.apiserver_arg))
    if arguments.foreground:
        supervisor.supervise(home, wish, Console())
    else:
        _print_environment(supervisor.start(home, wish, Console()))


def _down(arguments: argparse.Namespace) -> None:
    for home in all_homes() if arguments.all else [find_home(arguments.name)]:
        supervisor.stop(home)
        print(f"cluster {home.name} is gone", file=sys.stderr)


def _env(arguments: argparse.Namespace) -> None:
    facts = find_home(arguments.name).facts()
    if facts is None:
        raise ClusterError(
            f"no cluster {arguments.name} is up: make cluster-up starts one, make cluster-status lists them"
        )
    _print_environment(facts)


def _status(_: argparse.Namespace) -> None:
    rows = [("NAME", "STATE", "AGE", "SERVER", "KUBECONFIG"), *map(_row, all_homes())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(home: Home) -> tuple[str, ...]:
    facts = home.facts()
    if facts is None:
        return (home.name, "Starting" if home.is_supervised() else "Ended", "-", "-", f"(log: {home.log})")
    return (home.name, "Up", elapsed(facts.since, time.time()), facts.url, facts.kubeconfig)


def _programs(_: argparse.Namespace) -> None:
    for program in find_programs(progress=Console()).all:
        print(f"{program.name:<15} {program.path} ({program.origin})")


def _print_environment(facts: Facts) -> None:
    print(f"export KUBECONFIG={shlex.quote(facts.kubeconfig)}")
    # What kubectl remembers of a server's kinds it files by address, and our addresses come again for other clusters.
    print(f"export KUBECACHEDIR={shlex.quote(str(Path(facts.kubeconfig).parent / 'cache'))}")
    print(f'export PATH={shlex.quote(facts.programs)}:"$PATH"')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devcluster", description="A real etcd and kube-apiserver on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start a cluster that outlives this shell; print the environment to use it")
    up.add_argument("--name", default=DEFAULT_NAME, help="which one, if you want several (default: %(default)s)")
    up.add_argument("--crds", type=Path, action="append", default=[], metavar="PATH", help="apply these manifests")
    up.add_argument("--audit", action="store_true", help="record every request in the cluster's folder")
    up.add_argument("--apiserver-arg", action="append", default=[], metavar="ARG", help="one more argument for it")
    up.add_argument("--foreground", action="store_true", help="stay, and end the cluster with Ctrl-C")
    up.set_defaults(run=_up)

    down = commands.add_parser("down", help="end a cluster and remove everything of it")
    down.add_argument("--name", default=DEFAULT_NAME)
    down.add_argument("--all", action="store_true", help="every cluster")
    down.set_defaults(run=_down)

    env = commands.add_parser("env", help='print the environment of a cluster, for eval "$(…)"')
    env.add_argument("--name", default=DEFAULT_NAME)
    env.set_defaults(run=_env)

    commands.add_parser("status", help="list the clusters").set_defaults(run=_status)
    programs = commands.add_parser("programs", help="find or build the programs; say where they are")
    programs.set_defaults(run=_programs)
    return parser
