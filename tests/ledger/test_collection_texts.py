"""What `explain` and the condition `Vanished` say of each guard, word for word: people act on it."""

from typing import Any

import pytest
from msgspec.structs import replace

from hypertally.ledger.collection import Facts, Guard, Life, Verdict, decide, finding, refusals
from tests.ledger.make import guest, node
from tests.ledger.test_collection import ALONE, ON_THE_LONG_WAY, going, released

OPEN = {
    Guard.PAUSED: "Nobody has paused it.",
    Guard.LISTS_INCOMPLETE: "Everything is listed.",
    Guard.BEING_DELETED: "Nobody has deleted it yet.",
    Guard.SERVED: "No agent is known to serve the host: the one on n0 is silent.",
    Guard.AGENT_UNCERTAIN: "The agent on n0 is silent.",
    Guard.NODE_UNKNOWN: "Kubernetes nodes are listed, or need not be.",
    Guard.NODE_EXISTS: "Kubernetes node n0 is gone, no agent is meant for it, or its agent lives.",
    Guard.HOST_UUID_IN_USE: "No live record has its host's UUID.",
    Guard.ORPHANS_LISTED: "Its last report lists no orphan.",
    Guard.CLAIMS_STAY: "Its ledger holds no claim that stays.",
    Guard.INSTANCES_NAME_IT: "No Instance names it.",
    Guard.MIGRATIONS_NAME_IT: "No open Migration leads to it.",
    Guard.KEPT_A_WHILE: "It has been kept long enough.",
    Guard.UNCONFIRMED: "A second pass has found the same.",
    Guard.FLEET_LIMIT: "This pass may delete more.",
}

SHUT = [
    (
        "The controller deletes no records.",
        "the controller's --collect-vanished true",
    ),
    (
        "Its annotation keeps it.",
        "the annotation compute.hypertally.dev/keep removed, or false",
    ),
    (
        "The controller has not listed everything yet.",
        "the first full lists",
    ),
    (
        "Somebody has deleted it already.",
        "whoever put a finalizer on it to remove it",
    ),
    (
        "Its last report lists guests that are accounted nowhere: a.",
        "an Instance for each, or a person who knows what became of them",
    ),
    (
        "Its last report left out 1 guests: some may be orphans.",
        "a person who knows what became of them",
    ),
    (
        "Its ledger holds claims of Instances default/a.",
        "them moved away or deleted",
    ),
    (
        "Its ledger holds claims of Instances default/a.",
        "them moved away or deleted",
    ),
    (
        "Its ledger holds claims of Instances default/a.",
        "them moved away or deleted",
    ),
    (
        "Instances name it: default/a.",
        "them moved away (a Migration of type Evacuation), or deleted",
    ),
    (
        "Open Migrations lead to it: default/m.",
        "an outcome, or them deleted",
    ),
    (
        "A second pass has to find the same.",
        "--collect-interval",
    ),
    (
        "This pass has deleted as many records as one may.",
        "the next pass",
    ),
    (
        "The agent on n0 lives and serves the host.",
        "a silent agent, or one that serves it no more",
    ),
    (
        "Whether the agent on n0 lives is not known yet.",
        "a sign of life, or its Lease to expire",
    ),
    (
        "Kubernetes nodes could not be listed.",
        "the right to list nodes, and an answer",
    ),
    (
        "Kubernetes node n0 is there, and agents are meant for it.",
        "kubectl delete node n0, or the label gone that --agent-nodes asks for",
    ),
    (
        "Its host is alive under another record: n1.",
        "a person: if its node was renamed, kubectl delete computenode",
    ),
    (
        "It is kept for 1800 s without a sign of life.",
        "time, as --keep-vanished says; a restart of the controller begins anew",
    ),
]
"""In the order of the decision table."""


@pytest.mark.parametrize("guard", Guard)
def test_an_open_guard_says_why_it_is(guard: Guard) -> None:
    (verdict,) = (verdict for verdict in decide(going()) if verdict.guard is guard)
    assert verdict == Verdict(guard, False, OPEN[guard])


@pytest.mark.parametrize(("case", "said"), list(zip((*ALONE, *ON_THE_LONG_WAY), SHUT, strict=True)))
def test_a_shut_guard_says_what_stands_in_the_way_and_what_would_open_it(
    case: tuple[Guard, dict[str, Any]], said: tuple[str, str]
) -> None:
    guard, facts = case
    assert refusals(decide(going(**facts))) == (Verdict(guard, True, *said),)


@pytest.mark.parametrize(
    ("facts", "guard", "says"),
    [
        (released(), Guard.SERVED, "The agent on n0, which lives, serves the host no longer."),
        (released(), Guard.AGENT_UNCERTAIN, "The agent on n0 lives."),
        (
            going(agent=Life.UNKNOWN),
            Guard.SERVED,
            "No agent is known to serve the host: the one on n0 is not known to live or to be silent.",
        ),
    ],
)
def test_what_is_said_of_the_agent_follows_its_life(facts: Facts, guard: Guard, says: str) -> None:
    assert Verdict(guard, False, says) in decide(facts)


def test_a_record_that_goes_says_so() -> None:
    assert finding(decide(going())).message == (
        "Its host is gone and nothing stands for it any more: the record is deleted."
    )


def test_a_report_that_was_never_made_lists_nobody() -> None:
    bare = replace(node(), status=replace(node().status, report=None))
    assert Verdict(Guard.ORPHANS_LISTED, False, "No report lists any guest.") in decide(going(bare))


def test_three_names_are_told_and_of_four_the_first_three() -> None:
    three, four = (refusals(decide(going(node(guests=[guest(u) for u in uuids])))) for uuids in ("abc", "abcd"))
    assert three[0].says == "Its last report lists guests that are accounted nowhere: a, b, c."
    assert four[0].says == "Its last report lists guests that are accounted nowhere: a, b, c and 1 more."
