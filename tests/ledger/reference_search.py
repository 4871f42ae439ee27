"""Every state that the reference model's controllers and their surroundings can reach.

A reader may have read long ago. What it may hold is kept as sets: of the Instances, read after a ComputeNode that has
not been written since; of nodes and Migrations, read after an Instance that has not been written since. A write of the
object that was read first empties them: its compare-and-swap would fail. Crashes need no step: no rule remembers.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import product
from typing import Any

from tests.ledger.reference_bridge import Bridge, OwnerItems
from tests.ledger.reference_model import GONE, NEW, Books, Claim, Value, lowered
from tests.ledger.reference_readers import BLANK, project, said, view
from tests.ledger.reference_world import Config, Environment, Ghost, State, Step, lock, put

Sets = tuple[frozenset[Any], ...]


class Search:
    """The transitions of one configuration. Both the model and the real code decide each write, and must agree."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.environment = Environment(config)
        self.nodes = self.environment.nodes
        self.bridge = Bridge(config.uuids, config.rooms, config.migrations)
        self.decide = lru_cache(None)(self._decide)
        self.project = lru_cache(None)(partial(project, config))
        self.view = lru_cache(None)(partial(view, config))
        self.sights = lru_cache(None)(self._sights)
        self.views = lru_cache(None)(self._views)

    # -- where it begins

    def start(self, *settled: int, running: bool = True, reported: bool = True) -> State:
        """The Instances `settled` are accounted where they are bound, and their guests run there."""
        c = self.config
        real = [[0] * (max(c.uuids) + 1) for _ in self.nodes]
        books: list[list[Claim]] = [[] for _ in self.nodes]
        values: list[Value | int] = [0] * len(c.instances)
        for i in settled:
            u, size, n = c.instances[i]
            real[n][u] = size * 4 + 2 if running else 0
            books[n].append(Claim(i, "R", size))
            values[i] = Value(n, n, size, size)
        none = tuple((0,) * len(row) for row in real)
        rows = tuple(map(tuple, real))
        k = len(self.nodes)
        state = State(
            rows, rows if reported else none, (None,) * k, tuple(tuple(sorted(b)) for b in books), (True,) * k,
            (0,) * k, tuple(values), (0,) * len(c.migrations), (None,) * len(c.migrations),
        )  # fmt: skip
        return self._remember(None, state, set(self.nodes), set(range(len(values))))

    # -- what happens next

    def successors(self, s: State) -> Iterator[tuple[str, State]]:
        for step in (*self.environment.steps(s), *self.controllers(s)):
            after = self.apply(s, step)
            if after != s:
                yield step.label, after

    def apply(self, s: State, step: Step) -> State:
        t, swapped, touched = s, set[int](), set[int]()
        for n, u, becomes in step.real:
            t = t._replace(real=put(t.real, n, put(t.real[n], u, becomes)))
        if step.instance:
            t = t._replace(instances=put(t.instances, *step.instance))
            touched.add(step.instance[0])
        if step.migration:
            t = t._replace(migrations=put(t.migrations, *step.migration))
        if step.books:
            n = step.books[0]
            t = t._replace(books=put(t.books, *step.books), current=put(t.current, n, True), age=put(t.age, n, 0))
            swapped.add(n)
        if step.begin is not None:
            t = t._replace(looking=put(t.looking, step.begin, t.real[step.begin]))
        if step.publish is not None:
            t = self._publish(t, step.publish, swapped)
        if step.drop is not None:
            t = self._drop(t, step.drop)
            swapped.add(step.drop)
        return self._remember(s, self._haunt(t) if step.instance or step.books else t, swapped, touched)

    def look(self, s: State, n: int) -> State:
        return self.apply(s, Step("", begin=n))

    def publish(self, s: State, n: int) -> State:
        return self.apply(s, Step("", publish=n))

    def freshen(self, s: State) -> State:
        """Every reader has just read everything."""
        caches = tuple(tuple(frozenset((self.view(n, i, v),)) for i, v in enumerate(s.instances)) for n in self.nodes)
        return self._remember(None, s, set(), set())._replace(caches=caches if self.config.stale else s.caches)

    @staticmethod
    def _drop(t: State, n: int) -> State:
        return t._replace(
            books=put(t.books, n, GONE), report=put(t.report, n, (0,) * len(t.report[n])),
            looking=put(t.looking, n, None), age=put(t.age, n, 0), current=put(t.current, n, False),
        )  # fmt: skip

    def _publish(self, t: State, n: int, swapped: set[int]) -> State:
        seen = t.looking[n]
        assert seen is not None
        books = NEW if t.books[n] is GONE else t.books[n]
        if isinstance(books, tuple):
            books = tuple(c._replace(mark=min(c.mark + 1, 2)) if c.role in "IL" and c.mark >= 0 else c for c in books)
        news = seen != t.report[n] or t.books[n] is GONE
        waits = isinstance(books, tuple) and any(c.role in "IL" and c.mark < 0 for c in books)
        age = 0 if news or not waits else min(t.age[n] + 1, 2)
        if news:
            swapped.add(n)
        return t._replace(
            report=put(t.report, n, seen), looking=put(t.looking, n, None), books=put(t.books, n, books),
            current=put(t.current, n, t.current[n] and not news), age=put(t.age, n, age),
        )  # fmt: skip

    def _haunt(self, t: State) -> State:
        ghosts = t.ghosts
        for m, (i, _, target, _) in enumerate(self.config.migrations):
            move = lock(t, m, i)
            if move is None:
                continue
            before = ghosts[m]
            held = any(isinstance(c, Claim) and (c.inst, c.role) == (i, "I") for c in t.books[target] or ())
            told = (
                move.phase == "M"
                or held
                or (before is not None and before[:2] == (move.source, move.old) and before.told)
            )
            ghosts = put(ghosts, m, Ghost(move.source, move.old, told))
        strayed = t.strayed or any(
            isinstance(v, Value) and v.move and (v.move.m, v.move.phase, v.move.target) == (-1, "E", v.home)
            for v in t.instances
        )
        return t._replace(ghosts=ghosts, strayed=strayed)

    # -- controllers

    def controllers(self, s: State, silent: frozenset[int] | None = None) -> Iterator[Step]:
        """`silent`: the nodes that are; None for any of those that may be."""
        for n in self.nodes:
            if s.books[n] is not GONE:
                yield from self._ledgers(s, n)
        for i, value in enumerate(s.instances):
            if isinstance(value, Value) and i not in self.config.lite:
                yield from self._statuses(s, i, value, silent)
        for m in range(len(s.migrations)):
            yield from self._completions(s, m)

    def _ledgers(self, s: State, n: int) -> Iterator[Step]:
        books = s.books[n]
        found = set()
        live = s.seen_by_nodes[n]
        for lag in range(s.age[n] + 1):
            for fresh in product(*live):
                for cached in product(*s.caches[n]) if self.config.stale else (fresh,):
                    new = self.decide(n, books, s.report[n], cached, fresh, lag)
                    if (new != books or not s.current[n]) and new not in found:
                        found.add(new)
                        yield Step(f"a controller writes n{n}: {new}", books=(n, new))

    def _decide(
        self,
        n: int,
        books: Books | str,
        report: tuple[int, ...],
        cached: tuple[Any, ...],
        fresh: tuple[Any, ...],
        lag: int,
    ) -> Books:
        """What was held and is lowered, or granted on a new object, is decided on live reads."""
        uuids = self.config.uuids
        live = {uuids[i] for i, v in enumerate(fresh) if books == NEW and v is not None and v.home == n}
        while True:
            views = [fresh[i] if uuids[i] in live else cached[i] for i in range(len(uuids))]
            new = self.bridge.books(n, books, report, self._owners(views), lag)
            unread = lowered(books, new, uuids) - live if books != NEW else set()
            if not unread:
                return new
            live |= unread

    def _owners(self, views: list[Value | None]) -> OwnerItems:
        """The accounted before the older."""
        found: dict[int, tuple[int, int, Value]] = {}
        for i, v in sorted(enumerate(views), key=lambda x: (x[1] is None or x[1].home < 0, x[0])):
            if v is not None:
                found.setdefault(self.config.uuids[i], (self.config.uuids[i], i, v))
        return tuple(sorted(found.values()))

    def _statuses(self, s: State, i: int, value: Value, silent: frozenset[int] | None) -> Iterator[Step]:
        if self._twin(s, i):
            return
        facts, views = s.seen_by_instances[i]
        found = set()
        hushes = {frozenset[int](), frozenset(self.config.dead)} if silent is None else {silent}
        for seen in product(*facts):
            for told in product(*views):
                for hush in hushes:
                    new = self.bridge.value(i, value, seen, told, hush)
                    if new != value and new not in found:
                        found.add(new)
                        yield Step(f"a controller writes i{i}: {new}", instance=(i, new))

    def _twin(self, s: State, i: int) -> bool:
        views = [v if isinstance(v, Value) else None for v in s.instances]
        return i not in [j for _, j, _ in self._owners(views)]

    def _completions(self, s: State, m: int) -> Iterator[Step]:
        view = s.migrations[m]
        i = self.config.migrations[m][0]
        value = s.instances[i]
        if not isinstance(view, tuple) or view[1] or value == 0:
            return
        facts = s.seen_by_instances[i][0] if isinstance(value, Value) else [{BLANK}] * len(self.nodes)
        owner = value if isinstance(value, Value) else None
        pinned = s.ghosts[m] is not None
        if any(self.bridge.completes(m, view[0], pinned, i, owner, seen) for seen in product(*facts)):
            yield Step(f"a controller writes Migration {m}: Completed", migration=(m, (view[0], True)))

    # -- what readers may hold

    def _remember(self, before: State | None, t: State, swapped: set[int], touched: set[int]) -> State:
        """What is as it was before the step is taken over as it is: readers had seen it."""
        if before is None:
            return self._begin(t)
        c, by_nodes, caches = self.config, before.seen_by_nodes, before.caches
        others = before.instances is not t.instances
        for n in self.nodes if others else swapped:
            now = self.sights(n, t.instances)
            by_nodes = put(by_nodes, n, now if n in swapped else _joined(by_nodes[n], now))
            if others and c.stale:
                caches = put(caches, n, _joined(caches[n], now))
        changed = {n for n in self.nodes if _shown(t, n) != _shown(before, n)} if _differ(t, before) else set[int]()
        by_instances = before.seen_by_instances
        if touched or changed or before.migrations is not t.migrations:
            by_instances = tuple(
                self._remember_for(t, i, value, None if i in touched else by_instances[i], changed)
                for i, value in enumerate(t.instances)
            )
        return t._replace(seen_by_nodes=by_nodes, caches=caches, seen_by_instances=by_instances)

    def _begin(self, t: State) -> State:
        by_nodes = tuple(self.sights(n, t.instances) for n in self.nodes)
        caches = (
            tuple(_joined(tuple(frozenset((None,)) for _ in now), now) for now in by_nodes)
            if self.config.stale
            else tuple(() for _ in self.nodes)
        )
        everything = set(self.nodes)
        by_instances = tuple(self._remember_for(t, i, v, None, everything) for i, v in enumerate(t.instances))
        return t._replace(seen_by_nodes=by_nodes, caches=caches, seen_by_instances=by_instances)

    def _sights(self, n: int, instances: tuple[Value | int, ...]) -> Sets:
        """Of each Instance, what n's ledger may depend on."""
        return tuple(frozenset((self.view(n, i, v),)) for i, v in enumerate(instances))

    def _views(self, migrations: tuple[Any, ...], value: Value) -> Sets:
        return tuple(said(migrations, value, m) for m in range(len(migrations)))

    def _remember_for(self, t: State, i: int, value: Value | int, old: Any, changed: set[int]) -> Any:
        if not isinstance(value, Value) or i in self.config.lite:
            return None
        views = self.views(t.migrations, value)
        if old is None:
            return tuple(self._fact(t, i, value, n) for n in self.nodes), views
        facts = old[0]
        for n in changed:
            facts = put(facts, n, facts[n] | self._fact(t, i, value, n))
        return facts, _joined(old[1], views)

    def _fact(self, t: State, i: int, value: Value, n: int) -> frozenset[Any]:
        seen = self.bridge.fact(i, n, t.books[n], t.report[n], t.current[n])
        return frozenset((self.project(i, value, n, seen),))


def _joined(old: Sets, more: Sets) -> Sets:
    return tuple(a | b for a, b in zip(old, more, strict=True))


def _differ(s: State, t: State) -> bool:
    return s.books is not t.books or s.report is not t.report or s.current is not t.current


def _shown(s: State, n: int) -> tuple[object, ...]:
    return s.books[n], s.report[n], s.current[n]
