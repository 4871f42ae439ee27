"""One record is one line, for people and for machines."""

import io
import json
import logging
from collections.abc import Iterator

import kopf
import pytest

from hypertally.serving.logs import LogFormat, LogLevel, about, configure


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(log_format: LogFormat, level: LogLevel = LogLevel.INFO) -> list[str]:
    stream = io.StringIO()
    configure(log_format, level, stream)
    log = logging.getLogger("a.b")
    log.info("said %s", "twice\nthis", extra=about("ComputeNode", "n1") | {"path": object})
    log.debug("a detail")
    try:
        int("broken\nthing")
    except ValueError:
        log.exception("failed")
    return stream.getvalue().splitlines()


def test_json_has_a_line_for_each_record_with_its_extra_fields() -> None:
    first, second = map(json.loads, lines(LogFormat.JSON))
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "logger": "a.b",
        "message": "said twice\nthis",
        "object": {"kind": "ComputeNode", "name": "n1"},
        "path": "<class 'object'>",
    }
    assert second["message"] == "failed"
    assert "ValueError: invalid literal" in second["exception"]


def test_text_has_a_line_for_each_record_too() -> None:
    first, second = lines(LogFormat.TEXT)
    assert first.endswith("Z INFO    said twice\\nthis object=ComputeNode/n1 path=<class 'object'>")
    assert "ERROR   failed\\nTraceback" in second


def test_what_is_below_the_level_is_left_out() -> None:
    assert len(lines(LogFormat.TEXT, LogLevel.ERROR)) == 1


def test_what_kopf_says_of_an_object_names_it_as_everything_else_does() -> None:
    stream = io.StringIO()
    configure(LogFormat.JSON, stream=stream)
    reference = {"apiVersion": "compute.hypertally.dev/v1alpha1", "kind": "Instance", "uid": "u", "namespace": "shop"}
    added = {"k8s_ref": reference | {"name": "db-1"}, "k8s_skip": True, "settings": kopf.OperatorSettings()}
    logging.getLogger("kopf.objects").error("a handler failed", extra=added)  # what is below is not let through
    logging.getLogger("ours").warning("it waits", extra=about("Instance", "shop/db-1"))
    kopfs, ours = map(json.loads, stream.getvalue().splitlines())
    assert kopfs["object"] == ours["object"] == {"kind": "Instance", "namespace": "shop", "name": "db-1"}
    assert kopfs.keys() == ours.keys()
