"""Every bound of every field is enforced by the API server, and the refusal names the field and what is allowed."""

from collections.abc import Iterator
from typing import Any

import pytest

from gen_api_reference import Field
from tests.support import samples
from tests.support.api_server import Answer, Kind
from tests.support.samples import Object
from tests.support.schemas import KINDS, fields

SAMPLES = {
    "computenodes": samples.compute_node,
    "instances": samples.instance,
    "migrations": samples.migration,
}

ABSENT = object()

Known = dict[str, tuple[Kind, Object]]

CASES = [
    pytest.param(plural, field, id=f"{plural}:{field.path}")
    for plural in KINDS
    for field in fields(plural)
    if not field.path.endswith("[]")
]


def violations(field: Field, sample: Any) -> Iterator[tuple[Any, str]]:
    """Values that the field's schema forbids, each with what the refusal must say."""
    schema = field.schema
    is_time = schema.get("format") == "date-time"
    yield (0 if schema["type"] == "string" else "text"), f"of type {'date-time' if is_time else schema['type']}"
    if field.required:
        yield ABSENT, "Required value"
    if "minimum" in schema:
        yield schema["minimum"] - 1, f"should be greater than or equal to {schema['minimum']}"
        yield schema["maximum"] + 1, f"should be less than or equal to {schema['maximum']}"
    if "enum" in schema:
        yield "Flying", "supported values: " + ", ".join(f'"{value}"' for value in schema["enum"])
    if "maxItems" in schema:
        key = schema["x-kubernetes-list-map-keys"][0]
        every = [{**sample[0], key: _other_key(key, index)} for index in range(schema["maxItems"] + 1)]
        yield every, f"must have at most {schema['maxItems']} items"
    yield from _bad_texts(schema)


def _bad_texts(schema: Any) -> Iterator[tuple[Any, str]]:
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1), f"may not be more than {schema['maxLength']} bytes"
    if "minLength" in schema:
        yield "", f"should be at least {schema['minLength']} chars long"
    if "pattern" in schema:
        yield " " * schema["maxLength"], "should match"
    if "format" in schema and schema["type"] == "string":
        yield "yesterday", "must be of type date-time"


def _other_key(key: str, index: int) -> str:
    return samples.uuid(index) if key == "uuid" else f"Type{index}"


def at(body: Any, path: str) -> tuple[Any, str]:
    """The object that holds the field, and the field's name in it; of a list the first entry is meant."""
    *parents, last = path.split(".")
    for name in parents:
        body = body[name.removesuffix("[]")]
        body = body[0] if isinstance(body, list) else body
    return body, last


def changed(body: Object, path: str, value: Any) -> Object:
    holder, name = at(body, path)
    holder.pop(name) if value is ABSENT else holder.update({name: value})
    return body


@pytest.fixture(scope="module")
def known(kinds: dict[str, Kind]) -> Iterator[Known]:
    """By plural name: the kind, and an object of it that has no status."""
    found = {
        plural: (kind, kind.create(SAMPLES[plural](samples.fresh_name("api-bounds"))).object)
        for plural, kind in kinds.items()
    }
    yield found
    for kind, existing in found.values():
        kind.delete(existing["metadata"]["name"])


def offer(known: Known, plural: str, body: Object, path: str) -> Answer:
    """`body` to the server, without having it written: a new object for its spec, a known one for its status."""
    kind, existing = known[plural]
    if path.startswith("spec"):
        return kind.create(body, dry_run=True)
    return kind.replace_status({**existing, "status": body["status"]}, dry_run=True)


@pytest.mark.parametrize("plural", KINDS)
def test_the_samples_have_every_field_and_are_accepted(plural: str, known: Known) -> None:
    body = SAMPLES[plural]("never-created")
    for field in fields(plural):
        holder, last = at(body, field.path.removesuffix("[]"))
        assert last in holder, field.path
    assert offer(known, plural, body, "spec").object["spec"] == body["spec"]
    assert offer(known, plural, body, "status").object["status"] == body["status"]


@pytest.mark.parametrize(("plural", "field"), CASES)
def test_a_value_beyond_its_bound_is_refused_by_name(plural: str, field: Field, known: Known) -> None:
    holder, last = at(SAMPLES[plural]("sample"), field.path)
    for value, complaint in violations(field, holder[last]):
        body = changed(SAMPLES[plural]("never-created"), field.path, value)
        refusal = offer(known, plural, body, field.path).refusal
        assert field.path.replace("[]", "[0]") in refusal
        assert complaint in refusal
