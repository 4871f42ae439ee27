"""A copy that turned out to be out of date is not decided on twice."""

import pytest

from hypertally.controller.doubts import Doubts
from hypertally.kube.errors import Conflict, Invalid, KubeError, NotFound, ServerError


def refused(error: KubeError, key: str = "n") -> Doubts:
    doubts = Doubts()
    with pytest.raises(type(error)), doubts.about(key):
        raise error
    return doubts


@pytest.mark.parametrize("error", [Conflict("changed"), Invalid("a test failed"), NotFound("it is gone")])
def test_a_refusal_asks_for_one_live_read(error: KubeError) -> None:
    doubts = refused(error)
    assert doubts.settle("n")
    assert not doubts.settle("n")


def test_of_others_nothing_is_doubted() -> None:
    assert not refused(Conflict("changed"), "other").settle("n")


def test_a_server_that_is_away_says_nothing_about_what_it_holds() -> None:
    assert not refused(ServerError("no answer")).settle("n")


def test_what_was_written_was_so() -> None:
    doubts = Doubts()
    with doubts.about("n"):
        pass
    assert not doubts.settle("n")
