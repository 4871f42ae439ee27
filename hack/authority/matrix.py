"""What each program may do, by verb and resource. Whatever is not here is refused, also what nobody has thought of."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

GROUP = "compute.hypertally.dev"
NAMESPACE = "hypertally-system"
LEADER = "hypertally-controller"
"""The Lease that the controllers stand for."""

VERBS = ("get", "list", "watch", "create", "update", "patch", "apply", "delete", "deletecollection")
"""`apply` is server-side apply of an object that is not there: the right to patch does not suffice for it."""


class Actor(StrEnum):
    """Who asks. Each has the token of a Pod on a node of its own."""

    AGENT = "hypertally-agent"
    CONTROLLER = "hypertally-controller"


class Target(StrEnum):
    """Whose the object is: of the agent's own node, or of another one; or in another namespace than the programs'. The
    controller's own is the Lease that is called after it."""

    OWN = "own"
    OTHER = "other"
    ELSEWHERE = "elsewhere"


class Verdict(StrEnum):
    """What comes of a request, and by whom."""

    ALLOWED = "allowed"
    RBAC = "refused by RBAC"
    POLICY = "refused by policy"
    SCHEMA = "refused by the schema"
    UNKNOWN = "not let in"


@dataclass(frozen=True, order=True)
class Resource:
    """As RBAC calls it: a plural, with its subresource."""

    group: str
    name: str

    def __str__(self) -> str:
        return self.name


NODES = Resource(GROUP, "computenodes")
NODES_STATUS = Resource(GROUP, "computenodes/status")
INSTANCES = Resource(GROUP, "instances")
INSTANCES_STATUS = Resource(GROUP, "instances/status")
MIGRATIONS = Resource(GROUP, "migrations")
MIGRATIONS_STATUS = Resource(GROUP, "migrations/status")
LEASES = Resource("coordination.k8s.io", "leases")
EVENTS = Resource("", "events")
KUBERNETES_NODES = Resource("", "nodes")

SHOWN = (
    NODES, NODES_STATUS, INSTANCES, INSTANCES_STATUS, MIGRATIONS, MIGRATIONS_STATUS, LEASES, EVENTS,
    KUBERNETES_NODES, Resource("", "pods"), Resource("", "secrets"), Resource("", "configmaps"),
    Resource("", "serviceaccounts"), Resource("", "serviceaccounts/token"),
    Resource("rbac.authorization.k8s.io", "clusterroles"), Resource("rbac.authorization.k8s.io", "rolebindings"),
)  # fmt: skip
"""Rows of the table. The tests look at everything that the API server serves."""

EVERYBODYS = frozenset(
    Resource(group, name)
    for group, name in (
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"),
        ("authentication.k8s.io", "selfsubjectreviews"),
    )
)
"""Kubernetes lets every account ask what it is and what it may."""


@dataclass(frozen=True)
class Grant:
    """`own`: allowed on what is the actor's own. Of these, `every` are allowed on what is another's, too, and a policy
    refuses the rest. `here_only`: in the programs' namespace; elsewhere RBAC refuses all of it."""

    actor: Actor
    resource: Resource
    own: frozenset[str]
    every: frozenset[str] = frozenset()
    here_only: bool = False


def _verbs(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READS = _verbs("get list watch")
_WRITES = _verbs("patch apply")

GRANTS = (
    Grant(Actor.AGENT, NODES, _verbs("create patch apply list"), every=_verbs("list")),
    Grant(Actor.AGENT, NODES_STATUS, _WRITES),
    Grant(Actor.AGENT, LEASES, _verbs("create patch apply"), here_only=True),
    Grant(Actor.CONTROLLER, NODES, _READS | _verbs("delete"), _READS | _verbs("delete")),
    *(Grant(Actor.CONTROLLER, kind, _READS, _READS) for kind in (INSTANCES, MIGRATIONS)),
    *(
        Grant(Actor.CONTROLLER, status, _WRITES, _WRITES)
        for status in (NODES_STATUS, INSTANCES_STATUS, MIGRATIONS_STATUS)
    ),
    Grant(Actor.CONTROLLER, LEASES, _READS | _verbs("create update"), _READS, here_only=True),
    Grant(Actor.CONTROLLER, EVENTS, _verbs("create"), _verbs("create")),
    Grant(Actor.CONTROLLER, KUBERNETES_NODES, _verbs("list"), _verbs("list")),
)


def verdict(actor: Actor, resource: Resource, verb: str, target: Target) -> Verdict:
    """What has to come of it."""
    grant = grant_of(actor, resource)
    if grant is None or verb not in grant.own or (grant.here_only and target is Target.ELSEWHERE):
        return Verdict.RBAC
    return Verdict.ALLOWED if target is Target.OWN or verb in grant.every else Verdict.POLICY


def grant_of(actor: Actor, resource: Resource) -> Grant | None:
    return next((grant for grant in GRANTS if (grant.actor, grant.resource) == (actor, resource)), None)


def rows() -> Iterator[tuple[str, ...]]:
    """Of the table in docs/security.md: resource, the agent on its own and on others', the controller."""
    for resource in SHOWN:
        here = any(grant.here_only for grant in GRANTS if grant.resource == resource)
        yield (
            str(resource) + (f" in `{NAMESPACE}`" if here else ""),
            _cell(Actor.AGENT, resource, Target.OWN),
            _cell(Actor.AGENT, resource, Target.OTHER),
            _cell(Actor.CONTROLLER, resource, Target.OTHER),
        )
        if resource == LEASES:
            yield f"of these `{LEADER}`", "—", "—", _cell(Actor.CONTROLLER, resource, Target.OWN)
    yield "everything else that is served", "—", "—", "—"


def _cell(actor: Actor, resource: Resource, target: Target) -> str:
    verbs = [verb for verb in VERBS if verdict(actor, resource, verb, target) is Verdict.ALLOWED]
    return ", ".join(verbs) or "—"
