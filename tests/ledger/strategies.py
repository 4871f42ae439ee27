"""Nodes, Instances and Migrations as Hypothesis makes them: few guests and small sizes, so that everything collides."""

from hypothesis import strategies as st

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim, ComputeNode, Guest, GuestState, Role
from hypertally.api.conditions import Status
from hypertally.api.instance import Instance, Move, MovePhase, MoveType
from hypertally.api.migration import Migration, Outcome
from hypertally.ledger.evidence import Evidence, Sight
from hypertally.ledger.proof import AgentLook
from hypertally.ledger.reconcile import Inputs
from tests.ledger.make import claim, guest, instance, look, migration, move, node

UUIDS = ["a", "b", "c"]
NODES = ["n0", "n1"]
HOLDERS = ["agent-1", "agent-2"]

numbers = st.integers(0, 4)
amounts = st.builds(Amounts, vcpus=numbers, memory_mib=numbers, disk_mib=numbers)
uuids = st.sampled_from(UUIDS)
node_names = st.sampled_from(NODES)


@st.composite
def claims(draw: st.DrawFn, uuid: str, role: Role) -> Claim:
    """Of its Instance, or of an earlier one with the same uuid."""
    return claim(
        uuid,
        role,
        draw(amounts),
        owner=draw(st.sampled_from([f"uid-{uuid}", f"uid-{uuid}", f"uid-earlier-{uuid}"])),
        generation=draw(st.integers(0, 2)),
        since=draw(st.none() | st.integers(3, 7)),
        holder=draw(st.sampled_from(HOLDERS)),
        overcommitted=role is not Role.LEAVING and draw(st.sampled_from([False, False, True])),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> list[Claim]:
    keys = draw(st.lists(st.tuples(uuids, st.sampled_from(Role)), unique=True, max_size=6))
    return [draw(claims(uuid, role)) for uuid, role in sorted(keys)]


@st.composite
def guests(draw: st.DrawFn) -> list[Guest]:
    """Among them `x`, for which no Instance stands."""
    listed = draw(st.lists(st.sampled_from([*UUIDS, "x"]), unique=True, max_size=4))
    return [guest(uuid, draw(amounts), draw(st.sampled_from(GuestState))) for uuid in sorted(listed)]


@st.composite
def moves(draw: st.DrawFn) -> Move:
    return move(
        draw(st.sampled_from(MoveType)),
        draw(st.sampled_from(MovePhase)),
        source=draw(node_names),
        target=draw(node_names),
        old=draw(amounts),
        new=draw(amounts),
    )


@st.composite
def instances(draw: st.DrawFn, uuid: str) -> Instance:
    return instance(
        uuid,
        draw(st.sampled_from(["", *NODES])),
        draw(st.sampled_from(["", *NODES])),
        draw(amounts),
        granted=draw(amounts),
        move=draw(st.none() | moves()),
        generation=draw(st.integers(1, 2)),
        born=draw(st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])),
        refused=draw(st.sampled_from(["", "n0"])),
    )


@st.composite
def migrations(draw: st.DrawFn) -> Migration:
    type_ = draw(st.sampled_from([t for t in MoveType if t is not MoveType.OBSERVED]))
    return migration(
        type_,
        draw(st.sampled_from([*NODES, "nowhere"])),
        name=draw(st.sampled_from(["m", "other"])),
        new=draw(amounts) if type_ is MoveType.RESIZE else None,
        outcome=draw(st.none() | st.sampled_from(Outcome)),
        completed=draw(st.booleans()),
        pinned=draw(st.sampled_from(["", "a", "of-another"])),
    )


@st.composite
def nodes(draw: st.DrawFn, *, without_ledger: bool = True) -> ComputeNode:
    held: list[Claim] | None = draw(ledgers())
    if without_ledger and draw(st.integers(0, 4)) == 0:
        held = None
    return node(
        "n0",
        draw(amounts),
        held,
        draw(guests()),
        omitted=draw(st.sampled_from([0, 0, 0, 2])),
        agent=draw(st.sampled_from([Status.TRUE, Status.TRUE, Status.FALSE])),
    )


looks: st.SearchStrategy[AgentLook | None] = st.none() | st.builds(
    look, st.integers(5, 9), generation=st.sampled_from([1, 1, 2]), holder=st.sampled_from(HOLDERS)
)


@st.composite
def inputs(draw: st.DrawFn, *, without_ledger: bool = True) -> Inputs:
    owners = {uuid: draw(instances(uuid)) for uuid in draw(st.lists(uuids, unique=True))}
    return Inputs(
        node=draw(nodes(without_ledger=without_ledger)),
        owners=owners,
        declared=owners.keys(),
        look=draw(looks),
    )


sights = st.sampled_from(Sight)


@st.composite
def evidences(draw: st.DrawFn, uuid: str = "a") -> Evidence:
    exists = draw(st.sampled_from([True, True, True, False]))
    if not exists:
        return Evidence()
    sight, has_ledger = draw(sights), draw(st.sampled_from([True, True, True, False]))
    roles = draw(st.lists(st.sampled_from(Role), unique=True, max_size=2))
    return Evidence(
        has_ledger=has_ledger,
        current=has_ledger and draw(st.booleans()),
        claims=tuple(draw(claims(uuid, role)) for role in roles if has_ledger),
        sight=sight,
        hidden=sight is Sight.ABSENT and draw(st.booleans()),
        settled=draw(st.booleans()),
        fresh=draw(st.sampled_from([None, sight])),
        size=draw(amounts) if sight else None,
        silent=draw(st.booleans()),
    )
