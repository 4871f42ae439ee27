"""Whether the API server knows every field that a program writes or reads.

Of a field that the CRD lacks it tells nothing: it leaves it out when an object is written. So it is asked before, for
what every account may read: the schema that it publishes (OpenAPI v3).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypertally.api.base import Wire, is_wire, types_by_key
from hypertally.api.names import API_VERSION, GROUP

from .errors import SchemaOutdated
from .kinds import Kind

SCHEMA_PATH = f"/openapi/v3/apis/{API_VERSION}"
_REMEDY = "install those of its version (helm upgrade with crds.install=true, or kubectl apply --server-side -f crds/)"
_SHOWN_FIELDS = 5


def require_fields(document: Mapping[str, Any], types: Mapping[Kind, type[Wire]]) -> None:
    """Raises SchemaOutdated, which names the CRD and what it lacks. `document` is what SCHEMA_PATH answers."""
    for kind, type_ in types.items():
        crd = f"{kind.plural}.{GROUP}"
        schema = _schema_of(document, kind)
        if not schema:
            raise SchemaOutdated(f"the API server publishes no schema of the CRD {crd}: {_REMEDY}")
        if lacks := list(_lacking(schema, type_, "")):
            raise SchemaOutdated(f"the CRD {crd} is older than this program, it lacks {_listed(lacks)}: {_REMEDY}")


def _listed(fields: Sequence[str]) -> str:
    more = f" and {len(fields) - _SHOWN_FIELDS} more" if len(fields) > _SHOWN_FIELDS else ""
    return ", ".join(fields[:_SHOWN_FIELDS]) + more


def _schema_of(document: Mapping[str, Any], kind: Kind) -> Mapping[str, Any]:
    """Empty for a kind that is not published."""
    group, _, version = kind.api_version.rpartition("/")
    wanted = {"group": group, "kind": kind.kind, "version": version}
    schemas = (document.get("components") or {}).get("schemas") or {}
    return next((one for one in schemas.values() if wanted in one.get("x-kubernetes-group-version-kind", ())), {})


def _lacking(schema: Mapping[str, Any], type_: type[Wire], path: str) -> Iterator[str]:
    """The topmost fields only: what is below one that is missing is missing too."""
    properties = schema.get("properties") or {}
    for name, inner in types_by_key(type_).items():
        place = f"{path}.{name}".lstrip(".")
        if name not in properties:
            yield place
        elif is_wire(inner) and name != "metadata":
            yield from _lacking(properties[name].get("items") or properties[name], inner, place)
