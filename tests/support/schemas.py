"""The schemas of crds/ as data, and objects made from them."""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from gen_api_reference import FORMS, ORDER, Field, load_crd, schema_of, walk
from tests.support.samples import NOW

KINDS = ORDER
"""Plural names."""

_TOTAL = re.compile(r"self\.map\(each, has\(each\.(\w+)\) \? size\(each\.\1\) : 0\)\.sum\(\) <= (\d+)")
_NESTED_TOTAL = re.compile(
    r"self\.map\(each, has\(each\.(\w+)\) \? each\.\1\.map\(part, has\(part\.(\w+)\) \? size\(part\.\2\) : 0\)\.sum\(\)"
    r" : 0\)\.sum\(\) <= (\d+)"
)
_SUMS_OF_LIST = re.compile(
    r"oldSelf\.\?generation\.orValue\(0\) == self\.generation \|\| !has\(self\.(\w+)\)"
    r"( \|\| !self\.\1\.exists\(each, (?P<some>[^|]+( \|\| [^|]+)*)\))? \|\| (?P<sums>self\.\1\.map\(.*)"
)
_KEY_LENGTH = re.compile(r'self\.all\(key, key\.matches\("\^\[A-Za-z0-9_.-\]\{1,(\d+)\}\$"\)\)')

_LONG_HOST_PART = "a" * 61 + "."

_LONGEST: dict[str, Callable[[int], str]] = {
    "DNS name": lambda size: (_LONG_HOST_PART * 9)[: size - 1] + "z",
    "DNS label": lambda size: "z" * size,
    "lower-case UUID": lambda size: "ffffffff-ffff-ffff-ffff-ffffffffffff"[:size],
    "version": lambda size: "1.1." + "9" * (size - 4),
    "IP address": lambda size: "f" * size,
    "printable ASCII without spaces": lambda size: "<" * size,
    "Lease holder": lambda size: "h" * size,
    "condition reason": lambda size: "R" * size,
    "condition type": lambda size: "z" * size,
    "sixteen hexadecimal digits": lambda size: "f" * size,
    "four hexadecimal digits": lambda size: "f" * size,
    "word": lambda size: "w" * size,
    "words": lambda size: "w" * size,
    "path of a field": lambda size: "p" * size,
    "plain text": lambda size: "\N{GRINNING FACE}" * size,
}
"""By form, the text that takes most bytes as JSON; Go writes `<` as six."""

_MARKED = ("DNS label", "lower-case UUID", "condition type", "word", "path of a field")
"""Forms whose end may be a number that tells entries apart."""


def schema(plural: str) -> dict[str, Any]:
    """With each rule of an object that adds up a list of it as a rule of that list."""
    whole = deepcopy(schema_of(load_crd(plural)))
    for one in list(walk(whole)):
        _move_sums_down(one.schema)
    return whole


def _move_sums_down(part: Any) -> None:
    rules = part.get("x-kubernetes-validations", [])
    for rule, found in [(rule, found) for rule in rules if (found := _SUMS_OF_LIST.fullmatch(rule["rule"]))]:
        rules.remove(rule)
        entries = part["properties"][found[1]]
        own = [{"rule": each, "message": rule["message"]} for each in _sums(found)]
        entries.setdefault("x-kubernetes-validations", []).extend(own)


def _sums(rule: re.Match[str]) -> list[str]:
    """Each of a rule's sums for itself. A rule that first asks whether there is anything to add up has to ask for every
    field that it adds up."""
    sums = [each.replace(f"self.{rule[1]}.", "self.", 1) for each in rule["sums"].split(" && ")]
    if rule["some"]:
        added = {re.sub(r".*?has\(each\.(\w+)\).*", r"\1", each) for each in sums}
        assert set(re.findall(r"has\(each\.(\w+)\)", rule["some"])) == added, rule[0]
    return sums


def fields(plural: str) -> list[Field]:
    """Every field that is the project's own."""
    return [field for field in walk(schema(plural)) if field.path not in ("apiVersion", "kind", "metadata")]


def field(plural: str, path: str) -> Field:
    return next(field for field in fields(plural) if field.path == path)


def totals(part: Mapping[str, Any]) -> dict[str, int]:
    """How much all entries of a list may have together of a field of theirs, or (`cells.cpus`) of a field of the
    entries of a list of theirs, by the field's name."""
    own = {found[1]: int(found[2]) for found in _found(_TOTAL, part)}
    return own | {f"{found[1]}.{found[2]}": int(found[3]) for found in _found(_NESTED_TOTAL, part)}


def key_length(part: Mapping[str, Any]) -> int:
    """Of a map with free keys."""
    (found,) = _found(_KEY_LENGTH, part)
    return int(found[1])


def _found(pattern: re.Pattern[str], part: Mapping[str, Any]) -> Iterator[re.Match[str]]:
    rules = (rule["rule"] for rule in part.get("x-kubernetes-validations", ()))
    return (found for rule in rules if (found := pattern.fullmatch(rule)))


def largest(part: Mapping[str, Any], number: int = 0) -> Any:
    """The value that takes most bytes as JSON of all that `part` of a schema admits; `number` tells entries apart."""
    match part["type"]:
        case "object" if "additionalProperties" in part:
            value = largest(part["additionalProperties"])
            return {f"{index:0{key_length(part)}}": value for index in range(part["maxProperties"])}
        case "object":
            return {name: largest(inner, number) for name, inner in part["properties"].items()}
        case "array":
            entries = [largest(part["items"], index) for index in range(part["maxItems"])]
            for path, total in sorted(totals(part).items()):
                field, _, inner = path.partition(".")
                sharers = [each for entry in entries for each in entry.get(field, ())] if inner else entries
                _share_out(sharers, inner or field, total)
            return entries
        case "integer":
            return _longest_number(part, number)
        case "boolean":
            return False
    return _longest_text(part, number)


def _share_out(entries: list[Any], name: str, total: int) -> None:
    """All entries together have `total` of the field: the first ones as much as each may, the others none."""
    for entry in entries:
        value = entry.pop(name)
        keys = list(value)[:total]
        kept = {key: value[key] for key in keys} if isinstance(value, dict) else value[:total]
        total -= len(kept)
        if kept or not isinstance(value, str):
            entry[name] = kept


def _longest_number(part: Mapping[str, Any], number: int) -> int:
    longest: int = max(part["minimum"], part["maximum"], key=lambda value: len(str(value)))
    return longest - number if longest > 0 else longest + number


def _longest_text(part: Mapping[str, Any], number: int) -> str:
    if "enum" in part:
        return str(max(part["enum"], key=len))
    if part.get("format") == "date-time":
        return NOW.replace("Z", "." + "9" * (part["maxLength"] - len(NOW) - 1) + "Z")
    form, size = FORMS.get(part.get("pattern", ""), ""), int(part["maxLength"])
    if form == "PCI address":
        return f"{'f' * (size - 8)}:{number // 256:02x}:{number // 8 % 32:02x}.{number % 8}"
    if form == "CPU set":
        return f"{10000 + number}" + ",10000" * ((size - 5) // 6)
    text = _LONGEST[form](size) if form else "<" * size
    mark = f"{number:03}"
    return text[: -len(mark)] + mark if form in _MARKED else text
