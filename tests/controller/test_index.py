"""Who names whom."""

from hypertally.controller.index import Index


def keys(index: Index, *values: str) -> list[str]:
    return ["".join(sorted(index.of(value))) for value in values]


def test_the_keys_of_a_value_are_found_and_follow_each_change() -> None:
    index = Index()
    index.set("a", ["x", "y"])
    index.set("b", ["y"])
    assert keys(index, "x", "y") == ["a", "ab"]
    index.set("a", ["z"])
    assert keys(index, "x", "y", "z") == ["", "b", "a"]


def test_a_value_that_nobody_has_any_more_leaves_nothing_behind() -> None:
    index = Index()
    index.set("a", ["x"])
    index.set("a", [])
    assert (index.values(), keys(index, "x")) == ([], [""])
    assert not index._values
    assert not index._keys


def test_a_value_of_many_keys_keeps_all_of_them_and_loses_each_in_turn() -> None:
    index, names = Index(), "abcdefgh"
    for name in names:
        index.set(name, ["x"])
        index.set(name, ["x"])
    assert keys(index, "x") == [names]
    for place, name in enumerate(names):
        index.set(name, [])
        assert keys(index, "x") == [names[place + 1 :]]
    assert not index._keys
