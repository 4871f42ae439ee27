"""What the kit takes for broken while a check runs."""

from pathlib import Path
from typing import Any, cast

import pytest

from conformance.hosts import Host
from conformance.proxy import Bind
from conformance.stage import Broken, Stage


class _Proxy:
    def __init__(self) -> None:
        self.binds: list[Bind] = []


def _stage() -> Stage:
    nobody = cast("Any", None)
    return Stage(nobody, cast("Any", _Proxy()), nobody, "", 1, Path(), "check")


def _bind(stage: Stage, node: str) -> None:
    stage.proxy.binds.append(Bind("web-1", node, 409))


def test_a_binding_to_what_is_forbidden_is_broken_also_if_it_was_refused() -> None:
    stage = _stage()
    stage.forbid([Host(stage.api, "closed")], "which is closed")
    _bind(stage, "open")
    stage.check()

    _bind(stage, "closed")

    with pytest.raises(Broken, match="it bound web-1 to closed, which is closed"):
        stage.check()


def test_a_binding_that_came_before_its_host_was_forbidden_was_allowed() -> None:
    stage = _stage()
    _bind(stage, "closed")

    stage.forbid([Host(stage.api, "closed")], "which is closed")

    stage.check()


def test_what_was_broken_is_not_forgotten_when_other_hosts_are_forbidden() -> None:
    stage = _stage()
    stage.forbid([Host(stage.api, "closed")], "which is closed")
    _bind(stage, "closed")

    with pytest.raises(Broken, match="which is closed"):
        stage.forbid([], "")
