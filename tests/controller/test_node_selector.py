"""For which Kubernetes nodes agents are meant, by labels."""

import pytest

from hypertally.controller.node_selector import NodeSelector
from hypertally.serving.options import UsageError

LABELS = {"kubernetes.io/os": "linux", "example.org/libvirt": "", "pool": "a"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("pool=a", True),
        ("pool = a", None),
        ("pool=b", False),
        ("example.org/libvirt", True),
        ("example.org/libvirt=", True),
        ("pool=", False),
        ("kubernetes.io/os=linux, pool", True),
        ("kubernetes.io/os=linux,other", False),
    ],
)
def test_a_node_has_all_labels_or_agents_are_not_meant_for_it(text: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(UsageError, match="is no label; allowed are KEY and KEY=VALUE"):
            NodeSelector.parse(text)
    else:
        assert NodeSelector.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize("text", [",", "a=b=c", "=x", "a b", "UPPER.example/x", "k=" + "v" * 64])
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        NodeSelector.parse(text)
