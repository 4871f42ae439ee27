"""The CRDs as documents: valid, bounded and explained everywhere."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import kubernetes_validate
import pytest

from gen_api_reference import FORMS, Field, load_crd, rules, version_of
from hypertally.api import names
from tests.support import schemas
from tests.support.schemas import KINDS, fields, key_length, schema

KUBERNETES = "1.37"

EACH_KIND = pytest.mark.parametrize("plural", KINDS)

NUMBERS_OF_A_THING = re.compile(r".*([gG]eneration|audit|\.id|\.cell|\.numaCell|\.socket|\.cells\[\])$")
"""They count nothing: their meaning says what they number."""


LISTS_WITHOUT_A_KEY = re.compile(
    r"status\.report\.pciPools|status\.ledger\.(freeDevices|claims\[\]\.cells)|.*lacement\.cells"
)
"""What tells pools apart, or parts of a cell, may be absent, or is a map: the server takes neither for a key. The cells
of a guest are told by their place."""


@EACH_KIND
def test_it_is_a_valid_definition(plural: str) -> None:
    assert kubernetes_validate.validate(load_crd(plural), KUBERNETES, strict=True) == KUBERNETES


def test_the_check_refuses_an_invalid_definition() -> None:
    broken = load_crd("instances")
    broken["spec"]["versions"][0]["servd"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="servd"):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("plural", "kind", "short", "scope"),
    [
        (names.COMPUTE_NODES, "ComputeNode", "cn", "Cluster"),
        (names.INSTANCES, "Instance", "inst", "Namespaced"),
        (names.MIGRATIONS, "Migration", "mig", "Namespaced"),
    ],
)
def test_it_is_found_under_its_names(plural: str, kind: str, short: str, scope: str) -> None:
    spec = load_crd(plural)["spec"]
    assert (spec["group"], version_of(load_crd(plural))["name"]) == (names.GROUP, names.VERSION)
    assert (spec["names"]["kind"], spec["names"]["shortNames"], spec["scope"]) == (kind, [short], scope)
    assert spec["names"]["categories"] == ["compute"]


@EACH_KIND
def test_status_is_a_subresource_and_spec_is_required(plural: str) -> None:
    assert version_of(load_crd(plural))["subresources"] == {"status": {}}
    assert schema(plural)["required"] == ["spec"]


@EACH_KIND
def test_every_field_says_what_it_means_and_who_writes_it(plural: str) -> None:
    assert _paths(field for field in fields(plural) if not (field.meaning.endswith((".", ")")) and field.writer)) == []


@EACH_KIND
def test_every_amount_says_its_unit(plural: str) -> None:
    for field in fields(plural):
        amount = field.schema["type"] == "integer" and not NUMBERS_OF_A_THING.match(field.path)
        assert bool(field.unit) is amount, field.path
        if field.path.endswith("MiB") and not field.path.startswith("spec.allocationRatios"):
            assert field.unit == "MiB", field.path


def test_everything_that_is_reported_says_where_it_comes_from() -> None:
    """Itself, or a field around it."""
    reported = [field for field in fields("computenodes") if field.path.startswith("status.report.")]
    told = tuple(field.path for field in reported if field.source)
    silent = [field.path for field in reported if field.schema["type"] != "object" and not field.path.startswith(told)]
    assert silent == ["status.report.generation"]


@pytest.mark.parametrize("part", ["allocatable", "allocated", "free", "orphans"])
def test_what_is_computed_says_its_formula(part: str) -> None:
    assert schemas.field("computenodes", f"status.ledger.{part}").source


@EACH_KIND
def test_every_field_has_bounds(plural: str) -> None:
    assert _paths(field for field in fields(plural) if not _is_bounded(field.schema)) == []


def _is_bounded(schema: Mapping[str, Any]) -> bool:
    match schema["type"]:
        case "integer":
            return bool(schema["format"] == "int64" and -(2**53) < schema["minimum"] < schema["maximum"] < 2**53)
        case "string":
            return bool("enum" in schema or schema["maxLength"] > 0)
        case "array":
            return bool(schema["maxItems"] > 0)
        case "object" if "additionalProperties" in schema:
            return bool(schema["maxProperties"] > 0 and key_length(schema) > 0)
        case "object":
            return bool(schema["properties"])
    return bool(schema["type"] == "boolean")


@EACH_KIND
def test_every_pattern_has_a_name_for_people(plural: str) -> None:
    assert {field.schema["pattern"] for field in fields(plural) if "pattern" in field.schema} <= FORMS.keys()


@EACH_KIND
def test_every_list_is_a_set_or_a_map_by_keys_that_its_entries_must_have(plural: str) -> None:
    for field in fields(plural):
        if field.schema["type"] == "array" and not LISTS_WITHOUT_A_KEY.fullmatch(field.path):
            items = field.schema["items"]
            kind = "map" if items["type"] == "object" else "set"
            assert field.schema["x-kubernetes-list-type"] == kind, field.path
            assert set(field.schema.get("x-kubernetes-list-map-keys", ())) <= set(items.get("required", ())), field.path


@EACH_KIND
def test_no_field_has_a_default_or_keeps_what_is_unknown(plural: str) -> None:
    """A default in spec would belong to whoever creates the object: absent means what the description says."""
    unwanted = {"default", "nullable", "x-kubernetes-preserve-unknown-fields"}
    assert _paths(field for field in fields(plural) if unwanted & field.schema.keys()) == []


def _paths(found: Iterable[Field]) -> list[str]:
    return [field.path for field in found]


@pytest.mark.parametrize("part", ["report", "ledger"])
def test_report_and_ledger_are_replaced_as_a_whole(part: str) -> None:
    assert schema("computenodes")["properties"]["status"]["properties"][part]["x-kubernetes-map-type"] == "atomic"


@EACH_KIND
def test_a_rule_has_a_message_that_is_a_sentence_and_not_the_rule(plural: str) -> None:
    found = list(rules(schema(plural)))
    assert found
    for where, message in found:
        assert where
        assert len(message.split()) > 5
        assert not re.search(r"oldSelf|has\(|==|\|\|", message)


@EACH_KIND
def test_each_column_has_its_own_name_and_says_what_it_shows(plural: str) -> None:
    columns: list[dict[str, Any]] = version_of(load_crd(plural))["additionalPrinterColumns"]
    assert len({column["name"] for column in columns}) == len(columns)
    assert all(column["description"].endswith(".") for column in columns)
