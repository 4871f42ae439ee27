"""Values that Hypothesis draws once for all that is promised of them: to draw them costs more than to look at them."""

from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st


class Drawn:
    """A decorator of tests that take a value of each of these strategies.

    All are tried on the same examples, as many as `@given` would try unless told. What fails is searched for once more
    by `@given`, which tells the smallest example.
    """

    def __init__(self, *strategies: st.SearchStrategy[Any], examples: int = 100) -> None:
        self._strategies = strategies
        self._given = settings(max_examples=examples, deadline=None)

    @cached_property
    def examples(self) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []

        @settings(self._given, database=None, phases=[Phase.generate])
        @given(st.tuples(*self._strategies))
        def collect(values: tuple[Any, ...]) -> None:
            found.append(values)

        collect()
        return found

    def __call__(self, promise: Callable[..., None]) -> Callable[[], None]:
        def test() -> None:
            for values in self.examples:
                try:
                    promise(*values)
                except Exception as error:
                    self._given(given(*self._strategies)(promise))()
                    error.add_note(f"with {values!r}")
                    raise

        # Not functools.wraps: pytest would look through it, and take what is drawn for fixtures.
        test.__name__, test.__qualname__ = promise.__name__, promise.__qualname__
        test.__doc__, test.__module__ = promise.__doc__, promise.__module__
        return test


def chance(value: object) -> Random:
    """Chance that depends on an example alone: what failed fails again."""
    return Random(repr(value))  # noqa: S311  # tests only
