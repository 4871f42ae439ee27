"""The agent and a schema that does not come, or comes late."""

from threading import Thread
from typing import Any

import pytest

from devcluster import wait_until
from hypertally.agent.schema_watch import SchemaWatch
from hypertally.agent.shared import Shared
from hypertally.kube.errors import Forbidden, KubeError, Unreachable


class Server:
    """Answers in turn, the last answer for ever; an API server cannot be made to change its mind at a word."""

    def __init__(self, *answers: KubeError | dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def schema(self) -> dict[str, Any]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, KubeError):
            raise answer
        return answer


def watch(server: Server) -> SchemaWatch:
    made = SchemaWatch(server, Shared(300, chance=lambda: 0.5))
    made._backoff.first = made._backoff.longest = 0.01
    return made


def test_what_may_not_be_asked_is_told_once_and_keeps_nobody_from_being_ready(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = watch(Server(Forbidden("not you")))

    made.run()

    assert made.complaints() == ()
    assert caplog.messages == ["whether the CRDs are as new as this program cannot be told: not you"]


def test_an_api_server_that_is_away_is_asked_again_and_is_no_complaint_of_this() -> None:
    server = Server(Unreachable("away"), Unreachable("away"), Forbidden("not you"))
    made = watch(server)

    made.run()

    assert (server.asked, made.complaints()) == (3, ())


def test_it_ends_with_the_agent_while_the_crds_are_behind() -> None:
    made = watch(Server({}))
    thread = Thread(target=made.run)
    thread.start()
    wait_until(lambda: bool(made.complaints()), seconds=10.0, what="a complaint")

    made.stop()

    thread.join(10)
    assert not thread.is_alive()


def test_crds_that_come_later_end_the_complaint(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    made = watch(Server({}, Forbidden("enough")))

    made.run()

    assert made.complaints() == ()
    assert caplog.messages[-1] == "the CRDs have all fields now"
