"""Every bound of every field is enforced by the API server, and the refusal names the field and what is allowed."""

from collections.abc import Iterator
from typing import Any

import pytest

from gen_api_reference import Field
from hypertally.api.forms import UUID
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
    if not (field.path.endswith("[]") and field.schema["type"] == "object")
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
        every = [_other_entry(schema, sample[0], index) for index in range(schema["maxItems"] + 1)]
        yield every, f"must have at most {schema['maxItems']} items"
    if "maxProperties" in schema:
        tags = {f"key{index}": "" for index in range(schema["maxProperties"] + 1)}
        yield tags, f"must have at most {schema['maxProperties']} items"
    yield from _bad_texts(schema)


def _bad_texts(schema: Any) -> Iterator[tuple[Any, str]]:
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1), f"may not be more than {schema['maxLength']} bytes"
    if "minLength" in schema:
        yield "", f"should be at least {schema['minLength']} chars long"
    if "pattern" in schema:
        yield "\t" * schema["maxLength"], "should match"
    if "format" in schema and schema["type"] == "string":
        yield "yesterday", "must be of type date-time"


def _other_entry(schema: Any, sample: Any, index: int) -> Any:
    """Another entry for each index."""
    if not isinstance(sample, dict):
        return _other_value(sample, index)
    keys = schema.get("x-kubernetes-list-map-keys", ())[:1]
    return {**sample, **{key: _other_value(sample[key], index) for key in keys}}


def _other_value(sample: str | int, index: int) -> str | int:
    if isinstance(sample, int):
        return index + 1
    return samples.uuid(index) if UUID.fullmatch(sample) else f"Type{index}"


def at(body: Any, path: str) -> tuple[Any, Any]:
    """What holds the field, and the field's name or index in it; of a list or a map the first entry is meant."""
    *parents, last = path.split(".")
    for name in parents:
        body = body[name.removesuffix("[]")]
        body = body[0] if isinstance(body, list) else body
    if last.endswith("[]"):
        return body[last.removesuffix("[]")], 0
    return body, next(iter(body)) if last == "*" else last


def changed(body: Object, path: str, value: Any) -> Object:
    holder, name = at(body, path)
    if value is ABSENT:
        del holder[name]
    else:
        holder[name] = value
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
        holder, last = at(body, field.path)
        assert holder[last] is not None, field.path
    assert offer(known, plural, body, "spec").object["spec"] == body["spec"]
    assert offer(known, plural, body, "status").object["status"] == body["status"]


@pytest.mark.parametrize(("plural", "field"), CASES)
def test_a_value_beyond_its_bound_is_refused_by_name(plural: str, field: Field, known: Known) -> None:
    holder, last = at(SAMPLES[plural]("sample"), field.path)
    for value, complaint in violations(field, holder[last]):
        body = changed(SAMPLES[plural]("never-created"), field.path, value)
        refusal = offer(known, plural, body, field.path).refusal
        assert field.path.replace("[]", "[0]").removesuffix("*") in refusal
        assert complaint in refusal
