"""`kubectl hypertally`: wiring only. kubectl finds it by the name of the program, `kubectl-hypertally`."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from importlib.metadata import version
from typing import Any, TypeVar

import click

from hypertally.api.compute_node import Maintenance, MaintenanceMode
from hypertally.api.decode import MalformedObject
from hypertally.controller.options import CONTROLLER, settings
from hypertally.kube.errors import AccessError, KubeError
from hypertally.serving.options import UsageError

from . import gate
from .cluster import Cluster, Found, Target, compute_nodes, connect, instances
from .explain import explanation, shown
from .fit import Fleet, fit_table, fits, newcomer
from .manifest import read_instance, stored_instance
from .names import complete_instances, complete_nodes
from .output import Output, document
from .tables import utc_now
from .top import Top, fleet_table, stages
from .usage import usage_of

EXIT_FINDING, EXIT_USAGE, EXIT_FAILED = 1, 2, 3

T = TypeVar("T")
Command = Callable[..., Any]

_REACHING = (
    click.option("-n", "--namespace", default="", metavar="NAME", help="Of Instances (default: the context's)."),
    click.option("--context", default="", metavar="NAME", help="Of the kubeconfig (default: its current one)."),
    click.option(
        "--kubeconfig", default="", metavar="PATH", help="Default: $KUBECONFIG, the Pod's account, ~/.kube/config."
    ),
)
_OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Choice([each.value for each in Output]),
    default=Output.TABLE.value,
    callback=lambda _, __, value: Output(value),
    help="Form of the answer.",
)


def _reaching(command: Command) -> Command:
    """Each subcommand takes them, since kubectl passes on only what follows the plugin's name."""

    def called(*, kubeconfig: str, context: str, namespace: str, **rest: Any) -> Any:
        return command(Target(kubeconfig, context, namespace), **rest)

    called.__doc__, called.__name__ = command.__doc__, command.__name__
    for option in _REACHING:
        called = option(called)
    return called


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("hypertally"), prog_name="kubectl-hypertally")
def cli() -> None:
    """How full hosts are, who holds what on them, where an Instance would fit; and the operator's word on a host.

    Exit codes: 0 all is well; 1 the answer is a finding (a host that is not Ready or should be looked at, an Instance
    that fits nowhere); 2 a mistake in the command; 3 the API server could not be asked, or refused.
    """


@cli.command(short_help="How full hosts are: capacity, allocated, free, measured.")
@click.argument("node", nargs=-1, shell_complete=complete_nodes)
@_OUTPUT
@_reaching
def top(target: Target, node: Sequence[str], output: Output) -> int:
    """How full the fleet is; of hosts that are named, every stage from capacity to free.

    VCPUS, MEMORY and DISK are allocated/allocatable, USED is measured/capacity. 1 if a host is not Ready or REMARKS
    has more than Stale.
    """
    found = _ask(target, lambda cluster: compute_nodes(cluster.client))
    told = _complain(found)
    usages = [usage_of(each) for each in sorted(found.objects, key=lambda each: each.metadata.name)]
    names = {each.name for each in usages}
    if absent := [name for name in node if name not in names]:
        raise KubeError(f"there is no ComputeNode {', '.join(absent)}: kubectl get computenodes lists them")
    answer = Top.of([each for each in usages if not node or each.name in node])
    if output is not Output.TABLE:
        click.echo(document(output, answer))
    elif node:
        click.echo("\n\n".join(stages(each, utc_now()) for each in answer.compute_nodes))
    else:
        click.echo(fleet_table(answer))
    return EXIT_FINDING if told or not all(each.is_fine for each in answer.compute_nodes) else 0


@cli.command(short_help="Why a host is Ready or not, who holds what, what keeps its record.")
@click.argument("node", shell_complete=complete_nodes)
@click.argument("controller_flags", nargs=-1, metavar="[-- CONTROLLER_FLAGS]", type=click.UNPROCESSED)
@_OUTPUT
@_reaching
def explain(target: Target, node: str, controller_flags: Sequence[str], output: Output) -> int:
    """Why Ready of NODE is what it is, which claims and orphans hold what, and what keeps its record.

    Whether the record may be deleted is judged with the controller's default settings; if yours has others, give its
    flags after --, such as -- --keep-vanished 600. 1 if the host is not Ready or should be looked at.
    """
    chosen = settings(CONTROLLER.read(controller_flags, os.environ))
    found, verdicts = _ask(target, lambda cluster: explanation(cluster, chosen, node))
    click.echo(shown(found, verdicts, utc_now()) if output is Output.TABLE else document(output, found))
    return 0 if found.usage.is_fine else EXIT_FINDING


@cli.command(short_help="Which hosts would take an Instance, and what others lack.")
@click.argument("name", required=False, shell_complete=complete_instances)
@click.option("-f", "--filename", type=click.Path(), metavar="FILE", help="Manifest of an Instance; - for stdin.")
@_OUTPUT
@_reaching
def fit(target: Target, name: str | None, filename: str | None, output: Output) -> int:
    """Which hosts would take an Instance (NAME, or from a manifest), and what is missing on the others.

    The answer is the controller's own: what its ledgers would do now, the Instances that wait already before this one.
    Nothing is written. 1 if no host takes it.
    """
    if (name is None) == (filename is None):
        raise click.UsageError("name an Instance, or a manifest with -f FILE: one of the two")
    asked = read_instance(filename) if filename is not None else None

    async def ask(cluster: Cluster) -> tuple[Any, Found[Any], Found[Any]]:
        wanted = asked or await stored_instance(cluster, str(name))
        return wanted, await compute_nodes(cluster.client), await instances(cluster.client)

    wanted, nodes, known = _ask(target, ask)
    _complain(nodes, known)
    answer = fits(newcomer(wanted), nodes.objects, Fleet.of(known.objects))
    click.echo(fit_table(answer) if output is Output.TABLE else document(output, answer))
    return 0 if any(each.fits for each in answer.compute_nodes) else EXIT_FINDING


@cli.command(short_help="Let hosts take nothing new.")
@click.argument("node", nargs=-1, required=True, shell_complete=complete_nodes)
@_reaching
def cordon(target: Target, node: Sequence[str]) -> int:
    """Let hosts take nothing new. What they hold stays."""
    return _each(target, node, gate.cordon)


@cli.command(short_help="Let hosts take guests again.")
@click.argument("node", nargs=-1, required=True, shell_complete=complete_nodes)
@_reaching
def uncordon(target: Target, node: Sequence[str]) -> int:
    """Let hosts take guests again."""
    return _each(target, node, gate.uncordon)


@cli.command(short_help="Begin or end work on hosts.")
@click.argument("node", nargs=-1, required=True, shell_complete=complete_nodes)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in MaintenanceMode]),
    help=f"{MaintenanceMode.DRAIN}: guests may leave (default). {MaintenanceMode.FROZEN}: no move away begins either.",
)
@click.option("--reason", metavar="TEXT", help="Why: conditions and refusals repeat it.")
@click.option("--end", is_flag=True, help="The work is over.")
@_reaching
def maintenance(target: Target, node: Sequence[str], mode: str | None, reason: str | None, *, end: bool) -> int:
    """Begin work on hosts, which take nothing new meanwhile, or end it."""
    if end and (mode or reason):
        raise click.UsageError("--end goes without --mode and --reason")
    if end:
        return _each(target, node, gate.end)
    if not reason:
        raise click.UsageError("--reason is missing: say why, or --end when the work is over")
    if problem := gate.problem(reason):
        raise click.UsageError(f"--reason: {problem}")
    wanted = Maintenance(mode=MaintenanceMode(mode or MaintenanceMode.DRAIN), reason=reason)
    return _each(target, node, lambda cluster, name: gate.begin(cluster, name, wanted))


def _each(target: Target, nodes: Sequence[str], act: Callable[[Cluster, str], Awaitable[str]]) -> int:
    """One after another; what was done is told at once, also when a later one fails."""

    async def act_on_all(cluster: Cluster) -> None:
        for name in nodes:
            click.echo(await act(cluster, name))

    _ask(target, act_on_all)
    return 0


def _ask(target: Target, question: Callable[[Cluster], Coroutine[Any, Any, T]]) -> T:
    async def ask() -> T:
        async with connect(target) as cluster:
            return await question(cluster)

    return asyncio.run(ask())


def _complain(*found: Found[Any]) -> bool:
    """An object that cannot be read is told and left out: the others are shown all the same."""
    unreadable = [error for each in found for error in each.unreadable]
    for error in unreadable:
        click.echo(f"warning: left out: {error}", err=True)
    return bool(unreadable)


def main() -> None:
    try:
        code = cli.main(prog_name="kubectl hypertally", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = 128 + 2
    except (UsageError, AccessError) as error:
        code = _end(EXIT_USAGE, error)
    except (KubeError, MalformedObject) as error:
        code = _end(EXIT_FAILED, error)
    sys.exit(code or 0)


def _end(code: int, error: Exception) -> int:
    click.echo(f"error: {error}", err=True)
    return code
