"""The rules of a Migration that the API server itself enforces, each shown refusing."""

from collections.abc import Iterator

import pytest

from tests.support import samples
from tests.support.api_server import Kind

NEVER = "never changes: create another Migration"
ONCE = "outcome is set once"


@pytest.fixture
def resize(migrations: Kind) -> Iterator[str]:
    """The name of a Resize without an outcome."""
    body = samples.migration(samples.fresh_name("api-resize"))
    del body["spec"]["outcome"]
    yield migrations.create(body).object["metadata"]["name"]
    migrations.delete(body["metadata"]["name"])


@pytest.mark.parametrize(
    ("field", "other"), [("instanceName", "guest-2"), ("type", "Cold"), ("targetComputeNodeName", "node-3")]
)
def test_what_moves_how_and_where_to_is_frozen(migrations: Kind, migration: str, field: str, other: str) -> None:
    refusal = migrations.merge(migration, {"spec": {field: other}}).refusal
    assert f"spec.{field}: " in refusal
    assert NEVER in refusal


def test_the_new_size_is_frozen(migrations: Kind, resize: str) -> None:
    refusal = migrations.merge(resize, {"spec": {"resources": {"vcpus": 8}}}).refusal
    assert "spec.resources: " in refusal
    assert NEVER in refusal


@pytest.mark.parametrize("type_", ["Live", "Cold", "Evacuation"])
def test_only_a_resize_has_a_new_size(migrations: Kind, type_: str) -> None:
    body = samples.migration("never-created")
    body["spec"] |= {"type": type_, "outcome": "Cancelled"}
    refusal = migrations.create(body).refusal
    assert "spec.resources: " in refusal
    assert "resources is the new size of a Resize: required for that type, refused for every other" in refusal


def test_a_resize_needs_its_new_size(migrations: Kind, resize: str) -> None:
    body = samples.migration("never-created")
    del body["spec"]["resources"]
    assert "required for that type" in migrations.create(body).refusal
    assert "required for that type" in migrations.merge(resize, {"spec": {"resources": None}}).refusal


def test_nobody_declares_an_observed_move(migrations: Kind) -> None:
    body = samples.migration("never-created")
    body["spec"]["type"] = "Observed"
    refusal = migrations.create(body).refusal
    assert 'supported values: "Live", "Cold", "Resize", "Evacuation"' in refusal


@pytest.mark.parametrize("outcome", ["Confirmed", "Reverted", "Cancelled"])
def test_an_outcome_can_be_set(migrations: Kind, resize: str, outcome: str) -> None:
    assert migrations.merge(resize, {"spec": {"outcome": outcome}}).object["spec"]["outcome"] == outcome


@pytest.mark.parametrize("other", ["Reverted", "Cancelled", None])
def test_an_outcome_is_set_once(migrations: Kind, resize: str, other: str | None) -> None:
    migrations.merge(resize, {"spec": {"outcome": "Confirmed"}})
    refusal = migrations.merge(resize, {"spec": {"outcome": other}}).refusal
    assert "spec.outcome: " in refusal
    assert ONCE in refusal


@pytest.mark.parametrize("outcome", ["Confirmed", "Reverted"])
def test_a_live_move_can_only_be_cancelled(migrations: Kind, migration: str, outcome: str) -> None:
    refusal = migrations.merge(migration, {"spec": {"outcome": outcome}}).refusal
    assert "spec.outcome: " in refusal
    assert "a Live move has no outcome but Cancelled" in refusal
    assert migrations.merge(migration, {"spec": {"outcome": "Cancelled"}}).object["spec"]["outcome"] == "Cancelled"
