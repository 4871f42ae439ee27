"""What somebody with one program's token might try: each attempt ends as docs/security.md says."""

import pytest

from authority.attempts import ATTEMPTS, Attempt
from authority.matrix import Verdict
from tests.authority.conftest import KINDS, Callers, present_lease, present_version
from tests.authority.server import Place

_PRESENT = {"delete": present_version, "update": present_lease}
VERSIONS = {"compute.hypertally.dev": "v1alpha1"}
CLUSTER_WIDE = {"computenodes"}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda each: f"{each.who}: {each.what}".replace("`", ""))
def test_each_attempt_ends_as_the_table_says(callers: Callers, attempt: Attempt) -> None:
    plural = attempt.resource.name.partition("/")[0]
    place = Place(VERSIONS.get(attempt.resource.group, "v1"), plural not in CLUSTER_WIDE, KINDS.get(plural, ""))

    verb = attempt.verb.removesuffix("-version")
    body = attempt.body if verb == attempt.verb else _PRESENT[verb](callers, attempt.name)
    answer = callers[attempt.who].ask(attempt.resource, place, verb, attempt.name, body=body)

    assert answer.verdict is attempt.verdict, answer.message
    if attempt.verdict is Verdict.ALLOWED and attempt.what.endswith("left out"):
        assert "labels" not in answer.body["metadata"]
        assert "ledger" in answer.body["status"]
