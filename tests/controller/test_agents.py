"""Life of agents, by the controller's own clock."""

from typing import Any

import pytest

from hypertally.controller.agents import Agents


class Seen:
    def __init__(self) -> None:
        self.now = 100.0
        self.agents = Agents(lambda: self.now, 50.0, lambda _before, _now: None)


@pytest.fixture
def seen() -> Seen:
    return Seen()


def lease(version: int) -> dict[str, Any]:
    return {"metadata": {"name": "k", "resourceVersion": str(version)}, "spec": {"holderIdentity": "h"}}


def test_a_lease_of_the_first_list_is_no_sign_of_life_though_its_grace_begins(seen: Seen) -> None:
    seen.agents.keep(seen.agents.take([lease(1)]))
    assert (seen.agents.is_heard("k"), seen.agents.is_silent("k")) == (False, False)


def test_a_lease_that_changes_is_a_sign_of_life(seen: Seen) -> None:
    seen.agents.keep(seen.agents.take([lease(1)]))
    seen.agents.put(lease(2))
    assert seen.agents.is_heard("k")


def test_an_unchanged_lease_is_none(seen: Seen) -> None:
    seen.agents.keep(seen.agents.take([lease(1)]))
    seen.agents.put(lease(1))
    assert not seen.agents.is_heard("k")


def test_silence_counts_only_once_the_server_was_asked_after_the_grace(seen: Seen) -> None:
    seen.agents.keep(seen.agents.take([lease(1)]))
    assert not seen.agents.is_silent("k")
    seen.now = 149.0
    seen.agents.confirm([lease(1)])
    seen.now = 151.0
    assert not seen.agents.is_silent("k")
    seen.agents.confirm([lease(1)])
    assert seen.agents.is_silent("k")
