"""What somebody with one program's token might try, in and beyond its rights, and what must come of it.

The stage: hosts `n1` and `n2`, each with a report, a ledger, conditions of both programs and of a third party, and a
Lease; no Lease of the controllers; `n1--bare` without a status; one ComputeNode for each of KEPT, which may not be
deleted; no object of `n3` yet. A field `novelty` was added to the status, for somebody else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from authority.matrix import GROUP, INSTANCES, LEADER, LEASES, NODES, NODES_STATUS, Resource, Verdict

Object = dict[str, Any]

OWN, OTHER, BARE, ABSENT = "n1", "n2", "n1--bare", "n3"
FOREIGN = "example.com/Foreign"
NOW = "2026-11-22T15:00:00Z"

ALLOWED, RBAC, POLICY, SCHEMA, UNKNOWN = (
    Verdict.ALLOWED, Verdict.RBAC, Verdict.POLICY, Verdict.SCHEMA, Verdict.UNKNOWN
)  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """`who`: see WHO. `name`: of the object. `verb` as in the matrix, `impersonate`: to read as somebody else, and
    `delete-version`, `update-version`: with the object's own resourceVersion (and uid) as precondition."""

    who: str
    what: str
    verdict: Verdict
    resource: Resource
    verb: str
    name: str
    body: Any = field(default_factory=dict)


WHO = {
    "agent": f"agent on `{OWN}`",
    "agent on n3": f"agent on `{ABSENT}`",
    f"agent on {LEADER}": f"agent on `{LEADER}`",
    "agent by node": f"agent on `{OWN}`, by a token that is bound to the Node",
    "agent on n4--x": "agent on `n4--x`",
    "agent without node": "agent, by a token that is bound to nothing",
    "agent without Pod": "agent, by the token of a Pod that is gone",
    "controller": "controller",
    "operator": "administrator",
}


def condition(type_: str, status: str = "True", reason: str = "AsExpected") -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": "", "lastTransitionTime": NOW}


def identity(node: str, **more: Any) -> Object:
    """What an agent creates, with what it should not."""
    spec = {"hypervisorHostname": "host.example", "hostUUID": "6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b11", "nodeName": node}
    return {"spec": spec | more}


def marked(body: Object, **metadata: Any) -> Object:
    return body | {"metadata": metadata}


def amounts() -> Object:
    return {"vcpus": 1, "pcpus": 0, "memoryMiB": 1024, "diskMiB": 0}


def report(generation: int = 1) -> Object:
    hypervisor = {"type": "QEMU", "version": "7.2.0", "libvirtVersion": "9.0.0"}
    return {"generation": generation, "hypervisor": hypervisor, "capacity": amounts()}


def ledger(generation: int = 1) -> Object:
    return {
        "generation": generation, "observedReportGeneration": 1, "observedGeneration": 1, "claims": [],
        "allocatable": amounts(), "allocated": amounts(), "free": amounts(), "instances": 0,
        "orphans": {"count": 0, "resources": amounts()},
    }  # fmt: skip


def claim(role: str) -> Object:
    return {
        "uuid": INSTANCE_UUID, "role": role, "namespace": "default", "name": "one", "instanceUID": INSTANCE_UUID,
        "resources": amounts(), "instanceGeneration": 1, "since": {"holder": "holder", "audit": 1},
    }  # fmt: skip


INSTANCE_UUID = "6f2a7f0e-5d0e-4b53-9d2e-0f6c6f9f3b12"
KEPT: Mapping[str, tuple[Object, Object]] = {
    "n1--held": ({}, {"report": report(), "ledger": ledger() | {"claims": [claim("Leaving"), claim("Running")]}}),
    "n1--leaving": ({}, {"report": report(), "ledger": ledger() | {"claims": [claim("Leaving")]}}),
    "n1--cut": ({}, {"report": report() | {"guestsOmitted": 1, "omittedResources": amounts()}, "ledger": ledger()}),
    "n1--kept": ({"compute.hypertally.dev/keep": "true"}, {"report": report(), "ledger": ledger()}),
}
"""Annotations and status."""

AGENTS, CONTROLLERS = ("LibvirtConnected", "InventoryComplete"), ("Ready", "Overcommitted")
CONDITIONS = tuple(condition(type_) for type_ in (*AGENTS, *CONTROLLERS, FOREIGN))


def lease(**metadata: Any) -> Object:
    return {"metadata": metadata, "spec": {"holderIdentity": "holder", "leaseDurationSeconds": 40}}


INSTANCE = {"spec": {"uuid": INSTANCE_UUID, "resources": {"vcpus": 1, "memoryMiB": 1}}}
MIGRATION = {"spec": {"instanceName": "one", "type": "Live", "targetComputeNodeName": OTHER}}
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "00000000-0000-0000-0000-000000000001"}
SAID = [condition("LibvirtConnected", "False"), condition("InventoryComplete"), condition("HypervisorServed")]


def _status(**status: Any) -> Object:
    return {"status": status}


def _conditions(*wanted: Object) -> Object:
    return _status(conditions=list(wanted))


def _changed(type_: str) -> Object:
    """Every condition as it is, but one."""
    return _conditions(*(condition(type_, "False") if each["type"] == type_ else each for each in CONDITIONS))


def _without(type_: str) -> Object:
    return _conditions(*(each for each in CONDITIONS if each["type"] != type_))


def _creations() -> Iterator[Attempt]:
    def new(name: str, what: str, body: Object, verdict: Verdict = POLICY, who: str = "agent") -> Attempt:
        return Attempt(who, what, verdict, NODES, "apply", name, body)

    own = identity(OWN)
    yield new(ABSENT, "create the ComputeNode of its node", identity(ABSENT), ALLOWED, "agent on n3")
    yield new("n1--lab", "create a ComputeNode for a further connection", own, ALLOWED)
    yield new("n1--lab", "create a ComputeNode for a further connection", own, ALLOWED, "agent by node")
    yield new(ABSENT, "create another node's ComputeNode", identity(ABSENT))
    yield new("n3--lab", "create a ComputeNode for another node's further connection", identity(ABSENT))
    yield new(ABSENT, "create a ComputeNode under another node's name", own)
    yield new("n2--lab", "create a ComputeNode under the name of another node's further connection", own)
    yield new("n1--lab", "create a ComputeNode of its own name for another node", identity(OTHER))
    for name in ("n10", "n1-lab", "n1.lab", "lab", "n1--a.b"):
        yield new(name, f"create a ComputeNode called `{name}`", own)
    yield new("n1--lab", "create a ComputeNode with `spec.reserved`", identity(OWN, reserved={"vcpus": 1}))
    yield new(
        "n1--lab", "create a ComputeNode with `spec.allocationRatios`", identity(OWN, allocationRatios={"vcpus": 9000})
    )
    yield new("n1--lab", "create a ComputeNode with a label", marked(own, labels={"zone": "a"}))
    yield new("n1--lab", "create a ComputeNode with an annotation", marked(own, annotations={"note": "a"}))
    yield new("n1--lab", "create a ComputeNode with a finalizer", marked(own, finalizers=["example.com/stay"]))
    yield new("n1--lab", "create a ComputeNode with an owner that takes it along", marked(own, ownerReferences=[OWNER]))
    for who, node in (("agent on n4--x", "n4--x"), ("agent without node", ABSENT)):
        yield new(node, "create the ComputeNode of its node", identity(node), POLICY, who)
    yield new("n5", "create the ComputeNode of its node", identity("n5"), UNKNOWN, "agent without Pod")


def _changes() -> Iterator[Attempt]:
    def change(what: str, body: Any, verdict: Verdict = POLICY, name: str = OWN) -> Attempt:
        return Attempt("agent", what, verdict, NODES, "patch", name, body)

    yield change("read its ComputeNode with an empty patch", {}, ALLOWED)
    yield change("read another's ComputeNode with an empty patch", {}, name=OTHER)
    yield change("set `spec.reserved`", {"spec": {"reserved": {"vcpus": 1}}})
    yield change("set `spec.allocationRatios`", {"spec": {"allocationRatios": {"vcpus": 9000}}})
    yield change("set a label", {"metadata": {"labels": {"zone": "a"}}})
    yield change("set an annotation", {"metadata": {"annotations": {"note": "a"}}})
    yield change("set a finalizer", {"metadata": {"finalizers": ["example.com/stay"]}})
    yield change("set an owner that takes it along", {"metadata": {"ownerReferences": [OWNER]}})
    yield change("take another node's over by `spec.nodeName`", {"spec": {"nodeName": OWN}}, SCHEMA, OTHER)
    yield change("give its own away by `spec.nodeName`", {"spec": {"nodeName": OTHER}}, SCHEMA)
    yield change("remove `status.ledger` past the subresource: left out", _status(ledger=None), ALLOWED)
    yield Attempt("agent", "delete its ComputeNode", RBAC, NODES, "delete", OWN)


def _agent_statuses() -> Iterator[Attempt]:
    def write(
        what: str, body: Any, verdict: Verdict = POLICY, name: str = OWN, verb: str = "patch", who: str = "agent"
    ) -> Attempt:
        return Attempt(who, what, verdict, NODES_STATUS, verb, name, body)

    said = _status(report=report(2), conditions=SAID)
    yield write("apply its report and its conditions", said, ALLOWED, verb="apply")
    yield write("apply its report and its conditions", said, ALLOWED, verb="apply", who="agent by node")
    yield write(
        "apply its first report and conditions", _status(report=report(), conditions=SAID), ALLOWED, BARE, "apply"
    )
    yield write(
        "apply a report without its conditions, which removes them", _status(report=report(2)), ALLOWED, verb="apply"
    )
    yield write("read its status with an empty patch", {}, ALLOWED)
    yield write("change its `LibvirtConnected`, and name all others as they are", _changed("LibvirtConnected"), ALLOWED)
    yield write("apply another's report", said, name=OTHER, verb="apply")
    yield write("read another's status with an empty patch", {}, name=OTHER)
    yield write("apply its report", said, verb="apply", who="agent without node")
    yield write("apply its report", said, UNKNOWN, verb="apply", who="agent without Pod")
    yield write("write the successor of the ledger", _status(ledger=ledger(2)))
    yield write("write the first ledger", _status(ledger=ledger()), name=BARE)
    yield write("remove the ledger", _status(ledger=None), SCHEMA)
    yield write("remove the whole status", {"status": None}, SCHEMA)
    for type_ in (*CONTROLLERS, FOREIGN):
        yield write(f"change the condition `{type_}`", _changed(type_))
        yield write(f"remove the condition `{type_}`", _without(type_))
    yield write("set the first `Ready`", _conditions(condition("Ready")), name=BARE)
    beside = _status(report=report(2), conditions=[*SAID, condition("Ready", "False")])
    yield write("apply `Ready` beside its own", beside, verb="apply")
    yield write("set a part of the status that was added for somebody else", _status(novelty="x"))
    yield write("remove a part of the status that was added for somebody else", _status(novelty=None), name=OWN)
    yield write("set a label through the status: left out", {"metadata": {"labels": {"zone": "a"}}}, ALLOWED)


def _leases() -> Iterator[Attempt]:
    def write(what: str, name: str, body: Object, verdict: Verdict = POLICY, who: str = "agent") -> Attempt:
        return Attempt(who, what, verdict, LEASES, "apply", name, body)

    renewed = lease(annotations={f"{GROUP}/audits": "{}"})
    yield write("renew its Lease", OWN, renewed, ALLOWED)
    yield write("create its Lease", ABSENT, renewed, ALLOWED, "agent on n3")
    yield write("renew its Lease", OWN, renewed, ALLOWED, "agent by node")
    yield write("renew another's Lease", OTHER, renewed)
    yield write("create another node's Lease", ABSENT, renewed)
    yield write("create a Lease for its further connection", BARE, renewed)
    yield write("renew its Lease", OWN, renewed, who="agent without node")
    yield write("renew its Lease", OWN, renewed, UNKNOWN, "agent without Pod")
    yield write("label its Lease", OWN, lease(labels={"zone": "a"}))
    yield write("put a finalizer on its Lease", OWN, lease(finalizers=["example.com/stay"]))
    yield write("create its Lease with an owner", ABSENT, lease(ownerReferences=[OWNER]), POLICY, "agent on n3")
    yield write("create the controllers' Lease", LEADER, renewed)
    yield write("create its Lease", LEADER, renewed, who=f"agent on {LEADER}")
    yield Attempt("agent", "delete its Lease", RBAC, LEASES, "delete", OWN)


def _controllers_leases() -> Iterator[Attempt]:
    def write(what: str, name: str, verdict: Verdict = POLICY, verb: str = "create", **metadata: Any) -> Attempt:
        return Attempt("controller", what, verdict, LEASES, verb, name, lease(**metadata))

    yield write("create the controllers' Lease", LEADER, ALLOWED)
    yield write("create the controllers' Lease with a label", LEADER, labels={"zone": "a"})
    yield write("create the controllers' Lease with an owner", LEADER, ownerReferences=[OWNER])
    yield write("create an agent's Lease", ABSENT)
    yield write("renew an agent's Lease in the version that it read", OWN, verb="update-version")
    yield Attempt("controller", "patch an agent's Lease", RBAC, LEASES, "patch", OWN)
    yield Attempt("controller", "delete an agent's Lease", RBAC, LEASES, "delete", OWN)


def _elsewhere() -> Iterator[Attempt]:
    account = Resource("", "serviceaccounts/token")
    for who in ("agent", "controller"):
        for name in ("hypertally-agent", "hypertally-controller"):
            yield Attempt(who, f"make a token for `{name}`", RBAC, account, "create", name, {"spec": {}})
        yield Attempt(who, "act as an administrator (`Impersonate-User`)", RBAC, NODES, "impersonate", OWN)
        yield Attempt(who, "write an Instance's spec", RBAC, INSTANCES, "patch", "one", {"spec": {}})
        pod = {"spec": {"nodeName": OTHER, "serviceAccountName": "hypertally-agent"}}
        yield Attempt(who, "create an agent's Pod on another node", RBAC, Resource("", "pods"), "create", "more", pod)


def _controllers() -> Iterator[Attempt]:
    def write(what: str, body: Any, verdict: Verdict = POLICY, name: str = OWN, verb: str = "patch") -> Attempt:
        return Attempt("controller", what, verdict, NODES_STATUS, verb, name, body)

    yield write("write the successor of the ledger", _status(ledger=ledger(2)), ALLOWED)
    yield write("write the first ledger", _status(ledger=ledger(), conditions=[condition("Ready")]), ALLOWED, BARE)
    yield write("change `Ready`", _changed("Ready"), ALLOWED)
    yield write("write a report", _status(report=report(2)))
    yield write("write the first report", _status(report=report()), name=BARE)
    for type_ in AGENTS:
        yield write(f"change the condition `{type_}`", _changed(type_))
        yield write(f"remove the condition `{type_}`", _without(type_))
    yield write("set the first `LibvirtConnected`", _conditions(condition("LibvirtConnected")), name=BARE)
    yield write("set a part of the status that was added for somebody else", _status(novelty="x"))
    yield Attempt("controller", "set `spec.reserved`", RBAC, NODES, "patch", OWN, {"spec": {"reserved": {"vcpus": 1}}})
    yield Attempt(
        "controller", "delete a ComputeNode in the version that it read", ALLOWED, NODES, "delete-version", OWN
    )
    yield Attempt("controller", "delete a ComputeNode, whatever became of it", POLICY, NODES, "delete", OWN)
    for name, why in (
        ("n1--held", "a claim that stays"),
        ("n1--cut", "guests that its report left out"),
        ("n1--kept", "the annotation that keeps it"),
    ):
        yield Attempt("controller", f"delete a ComputeNode with {why}", POLICY, NODES, "delete-version", name)
    yield Attempt("controller", "delete one whose claims are leaving", ALLOWED, NODES, "delete-version", "n1--leaving")


def _operators() -> Iterator[Attempt]:
    def write(what: str, resource: Resource, body: Any) -> Attempt:
        return Attempt("operator", what, ALLOWED, resource, "patch", OWN, body)

    yield write("set `spec.reserved`", NODES, {"spec": {"reserved": {"vcpus": 1}}})
    yield write("set a label and a finalizer", NODES, marked({}, labels={"zone": "a"}, finalizers=["example.com/stay"]))
    yield write("correct a ledger", NODES_STATUS, _status(ledger=ledger(2)))
    yield write("correct a condition", NODES_STATUS, _changed("Ready"))
    yield Attempt("operator", "delete a ComputeNode", ALLOWED, NODES, "delete", OWN)
    yield Attempt("operator", "write another's Lease", ALLOWED, LEASES, "apply", OTHER, lease(labels={"zone": "a"}))


ATTEMPTS = (
    *_creations(), *_changes(), *_agent_statuses(), *_leases(), *_controllers_leases(), *_elsewhere(),
    *_controllers(), *_operators(),
)  # fmt: skip


def rows() -> Iterator[tuple[str, ...]]:
    """Of the table in docs/security.md: who, what, on which resource, what comes of it."""
    for attempt in ATTEMPTS:
        yield WHO[attempt.who], attempt.what, str(attempt.resource), attempt.verdict
