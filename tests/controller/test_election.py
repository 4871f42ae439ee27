"""Who leads, told by nothing but the Lease: on a clock that needs no waiting, before an API server that is made up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hypertally.controller.election import Election, lead
from hypertally.kube.errors import Forbidden, Unreachable
from tests.support.election import REF, TERMS, Candidate, Server, now, until
from tests.support.virtual_time import run

LONGEST_RETRY = 1.2 * TERMS.retry
LONGEST_WAIT = TERMS.duration + 2 * LONGEST_RETRY
"""Until another leads, since the last renewal: it is seen a retry late, and looked at again a retry late."""


async def led_by_first(server: Server) -> tuple[Candidate, Candidate]:
    first = Candidate(server, "first")
    await until(lambda: first.leads)
    second = Candidate(server, "second")
    await asyncio.sleep(5)
    return first, second


def spec(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def whole() -> None:
        run(test())

    whole.__name__ = test.__name__
    return whole


@spec
async def test_one_of_two_works_however_long() -> None:
    server = Server()
    first, second = Candidate(server, "first"), Candidate(server, "second")
    await until(lambda: first.leads or second.leads)
    for _ in range(1000):
        await asyncio.sleep(1)
        assert first.leads != second.leads
    assert server.spec["leaseTransitions"] == 0


@spec
async def test_a_lease_that_nobody_holds_is_taken_at_once() -> None:
    server = Server()
    server.lease = {"metadata": {"resourceVersion": "1"}, "spec": {"holderIdentity": "", "leaseTransitions": 3}}
    first = Candidate(server, "first")
    assert await until(lambda: first.leads) < 1
    assert (server.spec["holderIdentity"], server.spec["leaseTransitions"]) == ("first", 4)
    assert server.spec["leaseDurationSeconds"] == TERMS.duration


@spec
async def test_after_a_kill_the_other_leads_when_the_lease_has_run_out() -> None:
    first, second = await led_by_first(Server())
    first.kill()
    waited = await until(lambda: second.leads)
    assert TERMS.duration - LONGEST_RETRY < waited < LONGEST_WAIT


@spec
async def test_after_a_clean_end_the_other_leads_with_its_next_try() -> None:
    server = Server()
    first, second = await led_by_first(server)
    first.stop.set()
    assert await first.task is True
    assert await until(lambda: second.leads) < LONGEST_RETRY + 0.1
    assert server.spec["leaseTransitions"] == 1


@spec
async def test_the_lease_is_left_only_when_nothing_is_at_work_any_more() -> None:
    server, order = Server(), []

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(1)
        order.append(server.spec["holderIdentity"])

    stop = asyncio.Event()
    task = asyncio.create_task(lead(Election(server, REF, "first", TERMS, now), stop, working))
    await asyncio.sleep(3)
    stop.set()
    await task
    assert (order, server.spec["holderIdentity"]) == (["first"], "")


@pytest.mark.parametrize("silence", ["fails", "hangs"])
def test_a_leader_that_cannot_renew_stops_before_another_may_begin(silence: str) -> None:
    async def test() -> None:
        server = Server()
        first, second = await led_by_first(server)
        if silence == "fails":
            server.fails = Unreachable("it is away")
        else:
            server.hangs = True
        cut = now()
        assert await first.task is False
        assert TERMS.renew_deadline - LONGEST_RETRY < first.until - cut < TERMS.renew_deadline + 0.1
        await asyncio.sleep(300)
        assert not second.leads
        server.fails, server.hangs = None, False
        assert await until(lambda: second.leads) < TERMS.attempt + LONGEST_WAIT  # it may see the last renewal only now
        assert second.since > first.until

    run(test())


@spec
async def test_an_outage_shorter_than_the_renew_deadline_changes_nothing() -> None:
    server = Server()
    first, second = await led_by_first(server)
    server.fails = Unreachable("it restarts")
    await asyncio.sleep(TERMS.renew_deadline - LONGEST_RETRY - 0.2 - LONGEST_RETRY)
    server.fails = None
    await asyncio.sleep(100)
    assert first.leads
    assert not second.leads


@spec
async def test_a_leader_that_slept_too_long_stops_without_asking_anybody() -> None:
    server, slept = Server(), 0.0
    first = Candidate(server, "first", lambda: now() + slept)
    await until(lambda: first.leads)
    asked, slept = server.asked, 60.0
    assert await until(lambda: not first.leads) <= LONGEST_RETRY + 0.1
    assert first.asked == asked


@spec
async def test_a_leader_counts_from_when_it_asked_not_from_the_answer() -> None:
    server = Server()
    first, _ = await led_by_first(server)
    server.answers_after, writes = 4.0, server.writes
    await until(lambda: server.writes > writes)
    asked, server.fails = now(), Unreachable("it is away")
    await first.task
    assert first.until <= asked + TERMS.renew_deadline


@spec
async def test_a_leader_that_finds_another_one_in_the_lease_stops() -> None:
    server = Server()
    first, _ = await led_by_first(server)
    assert server.lease is not None
    version = str(int(server.lease["metadata"]["resourceVersion"]) + 1)
    server.lease = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": "third"}}
    assert await until(lambda: not first.leads) < 2 * LONGEST_RETRY + 0.1
    assert await first.task is False
    assert server.spec["holderIdentity"] == "third"


@spec
async def test_a_label_is_no_sign_of_life() -> None:
    server = Server()
    first, second = await led_by_first(server)
    first.kill()
    began = now()
    while not second.leads:
        server.label()
        await asyncio.sleep(1.7)
        assert now() - began < LONGEST_WAIT + LONGEST_RETRY


@spec
async def test_a_holders_clock_is_never_compared() -> None:
    server = Server()
    past = {"holderIdentity": "third", "renewTime": "1970-01-01T00:00:00.000000Z", "leaseDurationSeconds": 1}
    server.lease = {"metadata": {"resourceVersion": "1"}, "spec": past}
    first = Candidate(server, "first")
    assert TERMS.duration <= await until(lambda: first.leads) < TERMS.duration + LONGEST_RETRY + 0.1


@spec
async def test_a_lease_that_somebody_deletes_is_made_anew_by_who_comes_first_and_one_leads() -> None:
    server = Server()
    first, second = await led_by_first(server)
    for _ in range(50):
        server.lease = None
        await asyncio.sleep(TERMS.renew_deadline + LONGEST_RETRY)
        assert [first.leads, second.leads].count(True) == 1
        if second.leads:
            break
    assert first.leads != second.leads


@spec
async def test_a_renewal_whose_answer_is_lost_is_known_again_as_ones_own() -> None:
    server = Server()
    first, _ = await led_by_first(server)
    server.loses_answers = True
    await until(lambda: not server.writes % 2, 10)
    server.loses_answers = False
    await asyncio.sleep(TERMS.renew_deadline)
    assert first.leads
    assert server.spec["leaseTransitions"] == 0


@spec
async def test_who_may_not_write_the_lease_is_not_ready_and_says_why_until_it_may() -> None:
    server = Server()
    server.fails = Forbidden("leases are not for you")
    first = Candidate(server, "first")
    await asyncio.sleep(60)
    assert first.election.complaints() == ["it cannot stand for Lease somewhere/leader: leases are not for you"]
    server.fails = None
    await until(lambda: first.leads)
    assert first.election.complaints() == []


@spec
async def test_who_stands_by_while_the_server_is_away_does_not_complain() -> None:
    server = Server()
    _, second = await led_by_first(server)
    assert second.election.complaints() == []
    server.fails = Unreachable("it is away")
    await asyncio.sleep(60)
    assert second.election.complaints() == []
