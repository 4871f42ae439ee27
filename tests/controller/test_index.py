"""Who names whom."""

from hypertally.controller.index import Index


def test_the_keys_of_a_value_are_found_and_follow_each_change() -> None:
    index = Index()
    index.set("a", ["x", "y"])
    index.set("b", ["y"])
    assert (index.of("x"), index.of("y")) == ({"a"}, {"a", "b"})
    index.set("a", ["z"])
    assert (index.of("x"), index.of("y"), index.of("z")) == (set(), {"b"}, {"a"})


def test_a_value_that_nobody_has_any_more_leaves_nothing_behind() -> None:
    index = Index()
    index.set("a", ["x"])
    index.set("a", [])
    assert (index.values(), index.of("x"), index._values, index._keys) == ([], set(), {}, {})
