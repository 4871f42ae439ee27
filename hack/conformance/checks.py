"""What a scheduler has to do, one promise each. A check raises Broken, with what the scheduler did instead."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypertally.api.names import COMPUTE_NODES, INSTANCES

from .api import INSTANCES_PATH
from .hosts import Host
from .stage import Broken, Stage

_QUIET = 2.0
"""Seconds in which a scheduler that would do wrong does it: those that do right decide within tenths."""
_SERIAL_SECONDS = 5.0


@dataclass(frozen=True)
class Check:
    """`promise`: what holds when it passes."""

    promise: str
    run: Callable[[Stage], None]


def _binds(stage: Stage) -> None:
    host = stage.host("a", 4)
    early = stage.instance(1)
    stage.start()
    stage.wait_home(early, host)
    late = stage.instance(1)
    stage.wait_home(late, host)
    own = stage.instance(1, node=host.name)
    stage.wait_home(own, host)
    if stage.binds_of(own):
        raise Broken(f"it bound {own}, which somebody else had bound")


def _amounts(stage: Stage) -> None:
    stage.host("memory", 64, memory_mib=128)
    stage.host("disk", 64, disk_mib=128)
    stage.host("vcpus", 1)
    fits = stage.host("all", 8)
    stage.start()
    for disk in ("rootDiskMiB", "ephemeralDiskMiB", "swapMiB"):
        stage.wait_home(stage.instance(2, disk=disk), fits)
    _never_refused(stage)


def _never_refused(stage: Stage) -> None:
    for each in stage.api.items(INSTANCES_PATH):
        refused = each.get("status", {}).get("refusedComputeNodeName")
        if refused:
            raise Broken(f"it bound {each['metadata']['name']} to {refused}, which has no room for it")
    tried = Counter(bind.instance for bind in stage.proxy.binds if bind.took)
    for name, number in tried.items():
        if number > 1:
            raise Broken(f"it bound {name} {number} times: the first host had no room")


def _closed(stage: Stage) -> None:
    closed = [stage.record(label, 64) for label in ("down", "silent")]
    down, silent = closed
    down.report(connected=False)
    silent.report()
    silent.is_alive = False
    cordoned = stage.record("cordoned", 64, spec={"schedulable": "Disabled"})
    drained = stage.record("drained", 64, spec={"maintenance": {"mode": "Drain", "reason": "conformance"}})
    for host in (cordoned, drained):
        host.report()
    closed += [cordoned, drained]
    stage.settled(lambda: [h.ready for h in closed] == ["False", "Unknown", "False", "False"], "the hosts to be closed")
    opened, why = stage.host("open", 4), "which is not open: look at Ready, spec.schedulable and spec.maintenance"
    stage.forbid(closed, why)
    stage.start()
    big = stage.instance(8)
    stage.wait_home(stage.instance(1), opened)
    stage.quiet(_QUIET)
    stage.forbid([down, silent, drained], why)
    stage.api.merge(cordoned.path, {"spec": {"schedulable": "Enabled"}})
    stage.wait_home(big, cordoned)


def _just_closed(stage: Stage) -> None:
    """Ready follows the operator's word a moment later; the word itself is in the object."""
    host = stage.host("a", 8)
    stage.start()
    stage.wait_home(stage.instance(1), host)
    before = host.object
    stage.proxy.hold(COMPUTE_NODES)
    stage.api.merge(host.path, {"spec": {"schedulable": "Disabled"}})
    stage.settled(lambda: host.ready == "False", "the host to be cordoned")
    stage.proxy.replay(COMPUTE_NODES, {**host.object, "status": before["status"]})
    stage.quiet(_QUIET / 4)
    stage.forbid([host], "whose spec.schedulable is Disabled, though Ready is not False yet")
    stage.instance(1)
    stage.quiet(_QUIET)


def _absent(stage: Stage) -> None:
    bare = stage.record("bare", 64)
    unmeasured = stage.record("unmeasured", 64)
    unmeasured.report(with_capacity=False)
    opened, why = stage.host("open", 4), "of which nothing is known"
    stage.forbid([bare, unmeasured], why)
    stage.start()
    big = stage.instance(8)
    stage.wait_home(stage.instance(1), opened)
    stage.quiet(_QUIET)
    stage.forbid([unmeasured], why)
    bare.report()
    stage.wait_home(big, bare)


def _assumes(stage: Stage) -> None:
    hosts = [stage.host(label) for label in ("a", "b", "c")]
    stage.start()
    stage.wait_home(stage.instance(1), *hosts)  # it runs, and sees the hosts
    stage.until(lambda: stage.proxy.lists[COMPUTE_NODES] > 0, "the scheduler to list ComputeNodes")
    stage.proxy.hold(COMPUTE_NODES)
    waiting = [stage.instance(2) for _ in range(2)]
    stage.quiet(_SERIAL_SECONDS)
    stage.proxy.release(COMPUTE_NODES)  # for one that binds one at a time
    for instance in waiting:
        stage.wait_home(instance, *hosts)
    _never_refused(stage)


def _refused(stage: Stage) -> None:
    hosts = [stage.host(label) for label in ("a", "b")]
    rivals: list[str] = []

    def take(_: str, node: str) -> None:
        rivals.append(stage.instance(2, node=node))
        stage.settled(lambda: bool(stage.home(rivals[0])), "the rival to be claimed")

    stage.proxy.before_next_bind(take)
    stage.start()
    mine = stage.instance(2)
    stage.until(lambda: bool(rivals), f"{mine} to be bound")
    home = stage.wait_home(mine, *hosts)
    if home == stage.home(rivals[0]):
        raise Broken(f"{mine} and {rivals[0]} are both on {home}, which has room for one")


def _changed(stage: Stage) -> None:
    stage.host("a", 2)
    big = stage.host("b", 4)
    seen: list[str] = []

    def grow(instance: str, _: str) -> None:
        seen.append(instance)
        stage.api.merge(f"{INSTANCES_PATH}/{instance}", {"spec": {"resources": {"vcpus": 3}}})

    stage.proxy.before_next_bind(grow)
    stage.start()
    mine = stage.instance(2)
    stage.wait_bound(mine)
    if stage.binds_of(mine)[0].took:
        raise Broken(f"its binding of {mine} took, though the Instance had changed since: send its resourceVersion")
    stage.wait_home(mine, big)


def _expired(stage: Stage) -> None:
    hosts = [stage.host(label, 8) for label in ("a", "b")]
    stage.start()
    home = stage.wait_home(stage.instance(1), *hosts)
    vanished = next(host for host in hosts if host.name != home)
    stage.forbid([vanished], "which was deleted while the watch was lost")
    before = dict(stage.proxy.lists)
    stage.proxy.hold(COMPUTE_NODES, INSTANCES)
    vanished.delete()
    fresh = stage.host("c", 8)
    instance = stage.instance(8)
    for plural in (COMPUTE_NODES, INSTANCES):  # in this order: with the Instance it knows of the hosts, too
        stage.proxy.expire(plural)
        stage.until(
            lambda plural=plural: stage.proxy.lists[plural] > before.get(plural, 0),  # type: ignore[misc]  # mypy#4226
            f"{plural} to be listed again after a 410",
        )
        stage.quiet(_QUIET / 4)
    stage.wait_home(instance, fresh)


def _older(stage: Stage) -> None:
    host = stage.host("a")
    old = host.object
    stage.start()
    first = stage.instance(2)
    stage.wait_home(first, host)
    stage.wait_home(stage.instance(1, node=stage.host("b", 1).name))  # what came before it has been told
    stage.quiet(_QUIET)
    stage.proxy.replay(COMPUTE_NODES, old)
    stage.quiet(_QUIET / 4)
    second = stage.instance(2)
    stage.quiet(_QUIET)
    if stage.binds_of(second):
        raise Broken(f"it bound {second} to {host.name} by an older version of it, with a lesser ledger generation")
    stage.wait_home(second, stage.host("c"))


def _races(stage: Stage) -> None:
    hosts = [stage.host(label) for label in ("a", "b", "c")]
    stage.start(2)
    instances = [stage.instance(2) for _ in range(4)]
    stage.until(lambda: sum(bool(stage.home(each)) for each in instances) == len(hosts), "every place to be taken")
    _nothing_twice(hosts)
    hosts.append(stage.host("d"))
    for each in instances:
        stage.wait_home(each, *hosts)
    _nothing_twice(hosts)


def _nothing_twice(hosts: list[Host]) -> None:
    for host in hosts:
        ledger = host.ledger
        if ledger["instances"] > 1 or ledger["free"]["vcpus"] < 0:
            raise Broken(f"{host.name} has room for one and holds {ledger['instances']}")


CHECKS: Mapping[str, Check] = {
    "binds": Check("an Instance that fits is bound; one that somebody else bound is left alone", _binds),
    "amounts": Check("every amount has to fit: CPUs, memory, all disks", _amounts),
    "closed": Check("no host is used that is not Ready, Disabled or in maintenance", _closed),
    "just-closed": Check("the operator's word counts before Ready follows it", _just_closed),
    "absent": Check("what is not known is no capacity", _absent),
    "assumes": Check("what it bound itself is subtracted until the ledger shows it", _assumes),
    "refused": Check("an Instance that was refused is bound to another host", _refused),
    "changed": Check("a decision holds for the version of the Instance that it was made on", _changed),
    "expired": Check("after a 410 it lists anew; what vanished meanwhile is not used", _expired),
    "older": Check("an older version of a host is not believed", _older),
    "races": Check("two schedulers fill every place, and none twice", _races),
}
