"""What a ComputeNode is called: after its Kubernetes node, so that nobody reports under another host's name."""

import re

SEPARATOR = "--"
"""Between the node's name and a further connection's: `n1--lab`."""

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST = 253


class NodeNameError(ValueError):
    """The name cannot be used; the message says why and what would do."""


def check_node_name(name: str) -> str:
    """The name of a Kubernetes node, as it is. Errors are NodeNameError."""
    labels = name.split(".")
    if len(name) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        raise NodeNameError(
            f"{name!r} is no name of a Kubernetes node: lower-case letters, digits, '-' and '.', at most {_LONGEST}; "
            "kubectl get nodes lists them"
        )
    if SEPARATOR in labels[-1]:
        # `a--b` could be node a's further connection b: two agents would write one object.
        raise NodeNameError(
            f"{name!r}: {SEPARATOR!r} in the last part of a node's name is reserved for further connections; "
            "register the node under another name"
        )
    return name


def compute_node_name(node_name: str, connection_name: str = "") -> str:
    """The node's own name for the connection without a name, `NODE--NAME` for the others. Errors are NodeNameError."""
    if not connection_name:
        return node_name
    name = f"{node_name}{SEPARATOR}{connection_name}"
    if len(name) > _LONGEST:
        raise NodeNameError(f"{name!r} is longer than {_LONGEST} characters: give the connection a shorter name")
    return name
