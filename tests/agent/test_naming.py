"""Names of ComputeNodes cannot collide, and a name that cannot be used is answered with what would do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.agent.naming import NodeNameError, check_node_name, compute_node_name

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?", fullmatch=True)


def _is_allowed(name: str) -> bool:
    try:
        return bool(check_node_name(name))
    except NodeNameError:
        return False


NODE = st.lists(LABEL, min_size=1, max_size=3).map(".".join).filter(_is_allowed)


def test_the_first_connection_has_the_nodes_name() -> None:
    assert compute_node_name("n1.example") == "n1.example"


def test_a_further_connection_adds_its_own() -> None:
    assert compute_node_name("n1", "lab") == "n1--lab"


@given(NODE, NODE, st.one_of(st.just(""), LABEL), st.one_of(st.just(""), LABEL))
def test_two_connections_never_share_a_name(node: str, other: str, name: str, other_name: str) -> None:
    same = compute_node_name(node, name) == compute_node_name(other, other_name)
    assert same == ((node, name) == (other, other_name))


@pytest.mark.parametrize("name", ["n1", "n1.example.org", "a--b.example", "xn--bcher-kva.example", "0", "a" * 253])
def test_names_that_kubernetes_takes_are_taken(name: str) -> None:
    assert check_node_name(name) == name


@pytest.mark.parametrize("name", ["", "N1", "n_1", "-n", "n-", "a..b", "a.", "a" * 254, "n 1", "ñ", "n1\n"])
def test_other_names_are_refused_with_the_way_to_find_the_right_one(name: str) -> None:
    with pytest.raises(NodeNameError, match="kubectl get nodes lists them"):
        check_node_name(name)


def test_a_node_named_like_a_further_connection_is_refused() -> None:
    with pytest.raises(NodeNameError, match=r"'a--b': '--' in the last part .* register the node under another name"):
        check_node_name("a--b")


def test_a_name_that_gets_too_long_is_refused() -> None:
    with pytest.raises(NodeNameError, match="give the connection a shorter name"):
        compute_node_name("a" * 250, "lab")
