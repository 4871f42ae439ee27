"""Writes docs/reference/api.md from crds/: `python hack/gen_api_reference.py [--check]`.

The schema's descriptions keep a form, which a test enforces: what the field means, then `Unit: ….` where it is an
amount, `Source: ….` where it comes from a host or from a formula, then `Written by ….`
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
CRDS = ROOT / "crds"
PAGE = ROOT / "docs" / "reference" / "api.md"
ORDER = ("computenodes", "instances", "migrations")

_DESCRIPTION = re.compile(
    r"(?P<meaning>.*?)(?: Unit: (?P<unit>[^.]+(?:\.\d[^.]*)?)\.)?(?: Source: (?P<source>.+?)\.)?"
    r"(?: Written by (?P<writer>.+)\.)?"
)

FORMS = {
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$": "DNS name",
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": "DNS label",
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": "lower-case UUID",
    r"^[0-9]+\.[0-9]+\.[0-9]+$": "version",
    r"^[0-9a-fA-F:.]+$": "IP address",
    r"^[!-~]+$": "printable ASCII without spaces",
    r"^[A-Za-z0-9]([-A-Za-z0-9_.:]*[A-Za-z0-9])?$": "Lease holder",
    r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$": "condition reason",
    r"^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$": "CPU set",
    r"^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$": "PCI address",
    r"^[0-9a-f]{4}$": "four hexadecimal digits",
    r"^[0-9a-f]{16}$": "sixteen hexadecimal digits",
    r"^[-A-Za-z0-9_.:/,+=@*]+$": "word",
    r"^([-A-Za-z0-9_.:/,+=@*]([-A-Za-z0-9_.:/,+=@* ]*[-A-Za-z0-9_.:/,+=@*])?)?$": "words",
    r"^[A-Za-z0-9.\[\]]+$": "path of a field",
    "^[^\\x00-\\x1f\\x7f-\\x9f<>&\u2028\u2029]+$": "plain text",
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$": "condition type",
}
"""What the patterns of the schema are called; a test finds a pattern that has no name."""

_LISTS = {"map": "list by {}", "set": "set", "atomic": "list"}

_INTRODUCTION = """\
# API reference

<!-- Made from crds/ by hack/gen_api_reference.py: change it there. -->

The three kinds of `compute.hypertally.dev/v1alpha1`, field by field: what `kubectl explain` says, on one page.
Amounts are integers; memory and disk are in MiB. A field without "required" may be absent, and then its meaning says
what that means. Objects of a newer version may have fields that are not listed here: readers pass over them, and
Hypertally's own writers keep them.
"""


@dataclass(frozen=True)
class Field:
    """One property of a schema: where it is, and what the schema says of it."""

    path: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def meaning(self) -> str:
        return self._part("meaning")

    @property
    def unit(self) -> str:
        return self._part("unit")

    @property
    def source(self) -> str:
        """What libvirt or the host was asked for, the agent's settings that count, the formula."""
        return self._part("source")

    @property
    def writer(self) -> str:
        return self._part("writer")

    def _part(self, name: str) -> str:
        found = _DESCRIPTION.fullmatch(self.schema.get("description", ""))
        return (found and found[name]) or ""


@cache
def load_crd(plural: str) -> dict[str, Any]:
    """Read once, which takes a second: not to be changed by who asks."""
    crd: dict[str, Any] = yaml.safe_load((CRDS / f"{plural}.yaml").read_text())
    return crd


def version_of(crd: Mapping[str, Any]) -> dict[str, Any]:
    """The only version that there is."""
    (version,) = crd["spec"]["versions"]
    found: dict[str, Any] = version
    return found


def schema_of(crd: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = version_of(crd)["schema"]["openAPIV3Schema"]
    return schema


def walk(schema: Mapping[str, Any], path: str = "") -> Iterator[Field]:
    """Every property at every depth, parents first; an entry of a list is `list[]`, a value of a map `map.*`."""
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield Field(here, inner, name in schema.get("required", ()))
        yield from walk(inner, here)
    if "items" in schema:
        yield Field(f"{path}[]", schema["items"], required=False)
        yield from walk(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield Field(f"{path}.*", schema["additionalProperties"], required=False)


def page() -> str:
    return "\n".join([_INTRODUCTION, *(_kind(load_crd(plural)) for plural in ORDER), _forms()])


def _forms() -> str:
    """Once for all, so that the tables stay readable."""
    return "\n".join(["## Forms\n", *(f"- {name}: `{pattern}`" for pattern, name in FORMS.items()), ""])


def _kind(crd: Mapping[str, Any]) -> str:
    names, schema, version = crd["spec"]["names"], schema_of(crd), version_of(crd)
    selectors = ", ".join(f"`{field['jsonPath'].removeprefix('.')}`" for field in version["selectableFields"])
    return "\n".join([
        f"## {names['kind']}\n",
        f"{schema['description']}\n",
        f"{crd['spec']['scope']}. Short name `{names['shortNames'][0]}`, category `{names['categories'][0]}`.",
        f"Field selectors: {selectors}.\n",
        _table(("Field", "Type", "Unit", "Bounds", "Written by", "Meaning"), map(_row, _shown(schema))),
        *_sources(schema),
        "The API server also enforces:\n",
        *(f"- `{where}`: {message}" for where, message in rules(schema)),
        "",
        "Columns (those in brackets with `-o wide` only):\n",
        *(_column(column) for column in version["additionalPrinterColumns"]),
        "",
    ])  # fmt: skip


def _shown(schema: Mapping[str, Any]) -> Iterator[Field]:
    """Without what every object has, and without list entries that are objects: the list's own row speaks of them."""
    every = (field for field in walk(schema) if field.path not in ("apiVersion", "kind", "metadata"))
    return (field for field in every if not (field.path.endswith("[]") and field.schema["type"] == "object"))


def _row(field: Field) -> Sequence[str]:
    return (f"`{field.path}`", _type(field.schema), field.unit, _bounds(field), field.writer, field.meaning)


def _sources(schema: Mapping[str, Any]) -> Iterator[str]:
    """A table of its own: it concerns who compares the numbers with a host's own."""
    told = [(f"`{field.path}`", field.source) for field in walk(schema) if field.source]
    if told:
        yield "Where it comes from (what is not listed comes from where the field around it does):\n"
        yield _table(("Field", "Source and formula"), iter(told))


def _type(schema: Mapping[str, Any]) -> str:
    if schema["type"] == "array":
        return _LISTS[schema["x-kubernetes-list-type"]].format(", ".join(schema.get("x-kubernetes-list-map-keys", ())))
    if "additionalProperties" in schema:
        return "map"
    return "time" if schema.get("format") == "date-time" else str(schema["type"])


def _bounds(field: Field) -> str:
    schema = field.schema
    parts = ["required"] if field.required else []
    if "enum" in schema:
        parts.append(", ".join(f"`{value}`" for value in schema["enum"]))
    if "maximum" in schema:
        parts.append(f"{_number(schema['minimum'])} to {_number(schema['maximum'])}")
    if "maxItems" in schema:
        parts.append(f"at most {schema['maxItems']} entries")
    if "maxProperties" in schema:
        parts.append(f"at most {schema['maxProperties']} entries")
    if schema.get("format") == "date-time":
        parts.append("RFC 3339")
    elif "maxLength" in schema:
        parts.append(_lengths(schema))
    if "pattern" in schema:
        parts.append(FORMS[schema["pattern"]])
    return "; ".join(parts)


def _lengths(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minLength", 0), schema["maxLength"]
    return (
        f"{high} characters" if low == high else f"{low} to {high} characters" if low else f"at most {high} characters"
    )


def _number(value: int) -> str:
    """Bounds that are powers of two, or one below, are known by that."""
    size = abs(value)
    if size > 2**30:
        sign = "-" if value < 0 else ""
        power = size.bit_length() - 1
        return f"{sign}2^{power}" if size == 2**power else f"{sign}(2^{power + 1} - 1)"
    return str(value)


def rules(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every CEL rule as (field, message)."""
    for field in (Field("", schema, required=True), *walk(schema)):
        for rule in field.schema.get("x-kubernetes-validations", ()):
            yield (field.path + rule.get("fieldPath", "")).removeprefix("."), rule["message"]


def _column(column: Mapping[str, Any]) -> str:
    name = column["name"].upper()
    return f"- {f'[{name}]' if column.get('priority') else name}: {column['description']}"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    text = page()
    if "--check" in arguments:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is out of date: run python hack/gen_api_reference.py", file=sys.stderr)
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
