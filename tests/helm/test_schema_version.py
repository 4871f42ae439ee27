"""The schema version of the CRDs counts on with their fields: by it an older chart is told from a newer one."""

import hashlib

from gen_api_reference import ORDER, load_crd, schema_of, walk

ANNOTATION = "compute.hypertally.dev/schema-version"

#: Of each version, a digest of the fields that it has. A version that was released is never changed here.
RECORDED = {
    "1": "94e68ef49be3a66e",
}


def fields() -> list[str]:
    return sorted(f"{plural}.{field.path}" for plural in ORDER for field in walk(schema_of(load_crd(plural))))


def digest() -> str:
    return hashlib.sha256("\n".join(fields()).encode()).hexdigest()[:16]


def test_all_kinds_are_of_one_version() -> None:
    assert {load_crd(plural)["metadata"]["annotations"][ANNOTATION] for plural in ORDER} == {max(RECORDED, key=int)}


def test_a_field_that_is_added_counts_it_on() -> None:
    assert digest() == RECORDED[max(RECORDED, key=int)], (
        f"the fields changed: raise {ANNOTATION} in all files of crds/ and record here {digest()!r} for it, "
        "or replace the last digest if no release has that version"
    )
