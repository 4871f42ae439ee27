"""What running programs log by default: a machine can read every line of both alike."""

import json
from typing import Any

import pytest

from devprometheus import Stage
from tests.operations.conftest import NODE

Line = dict[str, Any]

by_program = pytest.mark.parametrize("program", ["controller", NODE])


def lines(stage: Stage, program: str) -> list[Line]:
    """A line that is no JSON, such as one of a stack trace, fails the test."""
    return [json.loads(line) for line in (stage.cluster.directory / f"{program}.log").read_text().splitlines()]


@by_program
def test_every_line_is_one_object_with_the_same_first_keys(stage: Stage, program: str) -> None:
    found = lines(stage, program)

    assert found
    for line in found:
        assert list(line)[:4] == ["time", "level", "logger", "message"]
        assert line["time"].endswith("Z")
        assert line["level"] in ("debug", "info", "warning", "error", "critical")


@by_program
def test_an_object_is_named_by_kind_namespace_and_name(stage: Stage, program: str) -> None:
    for line in lines(stage, program):
        if "object" in line:
            assert {"kind", "name"} <= line["object"].keys() <= {"kind", "namespace", "name"}


def test_the_agent_names_the_host_that_it_publishes(stage: Stage) -> None:
    published = [line for line in lines(stage, NODE) if line["message"].startswith("status is published")]

    assert {line["object"]["name"] for line in published} == {NODE}
