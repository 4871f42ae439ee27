"""What must hold in every state that the reference model reaches, and where a quiet world must come to rest."""

from collections.abc import Iterator
from functools import lru_cache

from tests.ledger.reference_model import GONE, RUNNING, Books, Claim, Value, charges
from tests.ledger.reference_search import Search
from tests.ledger.reference_world import State, asked

_STEPS_TO_REST = 120


class Checks:
    """Each check answers None, or what is wrong."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.config = search.config
        self.uuids = search.config.uuids
        self._rest: dict[object, str | None] = {}
        self.charged = lru_cache(None)(self._charged)

    def _charged(self, books: Books | str | None, report: tuple[int, ...]) -> list[int]:
        return charges(books if isinstance(books, tuple) else (), report, self.uuids)

    def _books(self, s: State) -> Iterator[tuple[int, Books]]:
        for n, books in enumerate(s.books):
            if isinstance(books, tuple):
                yield n, books

    # -- always

    def room(self, before: State, label: str, s: State) -> str | None:
        """No write raises a node above what is allocatable, except for a guest that its report lists."""
        if not label.startswith("a controller writes n"):
            return None
        for n, books in self._books(s):
            old = before.books[n]
            if books == old or not isinstance(old, tuple):
                continue
            was, now = self.charged(old, before.report[n]), self.charged(books, s.report[n])
            if sum(now) > max(self.config.rooms[n], sum(was)):
                for u, listed in enumerate(s.report[n]):
                    if now[u] > was[u] and not listed:
                        return f"n{n} is raised to {now} of {self.config.rooms[n]} for u{u}, which no report lists"
        return None

    def room_state(self, _: State, __: str, s: State) -> str | None:
        """Above allocatable only for listed guests without a claim, or with one taken without room."""
        for n, books in self._books(s):
            now = self.charged(books, s.report[n])
            claimed = {self.uuids[c.inst] for c in books if not c.forced}
            if sum(now) > self.config.rooms[n] and sum(now[u] for u in claimed) > self.config.rooms[n]:
                return f"n{n} is charged {now} of {self.config.rooms[n]}"
        return None

    def listed(self, _: State, __: str, s: State) -> str | None:
        """What the published report lists is charged."""
        for n in range(len(s.books)):
            now = self.charged(s.books[n], s.report[n])
            if s.books[n] is not GONE and any(now[u] < g >> 2 for u, g in enumerate(s.report[n])):
                return f"n{n} lists {s.report[n]} and is charged {now}"
        return None

    def truth(self, _: State, __: str, s: State) -> str | None:
        """Every guest of the declared world is charged where it really is, with no lag at all."""
        for n, books in self._books(s):
            now = self.charged(books, s.report[n])
            if any(now[u] < g >> 2 for u, g in enumerate(s.real[n])):
                return f"n{n} really has {s.real[n]} and is charged {now}"
        return None

    def granted(self, _: State, __: str, s: State) -> str | None:
        """What Instances and moved moves grant is in the ledgers, until a move was followed that nobody declared."""
        for i, v in enumerate(s.instances):
            if s.strayed or not isinstance(v, Value):
                continue
            for n, need in self._promises(v):
                books = s.books[n]
                if not isinstance(books, tuple) or any(c.inst == i and c.forced for c in books):
                    continue
                if self.charged(books, s.report[n])[self.uuids[i]] < need:
                    return f"i{i} is granted {need} on n{n}, which holds {books}"
        return None

    @staticmethod
    def _promises(v: Value) -> Iterator[tuple[int, int]]:
        if v.home >= 0:
            yield v.home, v.size
        if v.move and v.move.phase == "M":
            yield v.move.source, v.move.old + (v.size if v.home == v.move.source else 0)

    def double(self, _: State, __: str, s: State) -> str | None:
        """`Running` on two nodes only while a move is open, until one was followed that nobody declared."""
        for i, v in enumerate(s.instances):
            if s.strayed or not isinstance(v, Value) or v.move:
                continue
            on = [n for n, books in self._books(s) if any((c.inst, c.role) == (i, "R") for c in books)]
            if len(on) > 1:
                return f"i{i} is Running on {on}"
        return None

    # -- in the end

    def quiet(self, _: State, __: str, s: State) -> str | None:
        """When nothing happens any more, one controller and the agents come to rest, and nothing is left over."""
        return self._settle(s, ())

    def quiet_with_dead(self, _: State, __: str, s: State) -> str | None:
        """The same when the dead hosts never come back."""
        return self._settle(s, self.config.dead)

    def _settle(self, s: State, dead: tuple[int, ...]) -> str | None:
        path: list[object] = []
        found: str | None = "one controller in a quiet world does not come to rest"
        for _ in range(_STEPS_TO_REST):
            key = (s.real, s.report, s.looking if dead else None, s.books, s.current, s.instances, s.migrations, dead)
            if key in self._rest:
                found = self._rest[key]
                break
            path.append(key)
            after = self._calm(s, dead)
            if after is None:
                found = next(self._leftovers(s, dead), None)
                break
            s = after
        self._rest.update(dict.fromkeys(path, found))
        return found

    def _calm(self, s: State, dead: tuple[int, ...]) -> State | None:
        s = self.search.freshen(s)
        for n in self.search.nodes:
            if n in dead:
                continue
            if s.looking[n] is not None:
                return self.search.publish(s, n)
            if s.books[n] is GONE or s.real[n] != s.report[n] or asked(s.books[n]):
                return self.search.publish(self.search.look(s, n), n)
        for step in self.search.controllers(s, frozenset(dead)):
            after = self.search.apply(s, step)
            if after != s:
                return after
        return None

    def _leftovers(self, s: State, dead: tuple[int, ...]) -> Iterator[str]:
        for n, books in enumerate(s.books):
            if n not in dead:
                yield from self._left_on(s, n, books)
        for m, view in enumerate(s.migrations):
            gone = s.instances[self.config.migrations[m][0]] == -1
            if isinstance(view, tuple) and not view[1] and (view[0] or (gone and s.ghosts[m])):
                yield f"Migration {m} ended and is never Completed"
        for i, v in enumerate(s.instances):
            if not isinstance(v, Value) or self._gives_way(s, i, v):
                continue
            mine = {n: {c.role: c.size for c in books if c.inst == i and c.role != "L"} for n, books in self._books(s)}
            mine = {n: roles for n, roles in mine.items() if roles}
            yield from self._left_of_a_move(s, i, v, mine, dead) if v.move else self._left_of(s, i, v, mine, dead)

    @staticmethod
    def _left_on(s: State, n: int, books: Books | str | None) -> Iterator[str]:
        if not isinstance(books, tuple):
            yield f"n{n} has no ledger"
            return
        for c in books:
            if c.role == "L" or not isinstance(s.instances[c.inst], Value):
                yield f"n{n}: {c} stays for ever"

    def _gives_way(self, s: State, i: int, v: Value) -> bool:
        """Another Instance with its uuid stands for the guest: the accounted, then the older."""
        twins = [(j, w) for j, w in enumerate(s.instances) if isinstance(w, Value) and self.uuids[j] == self.uuids[i]]
        return min(twins, key=lambda x: (x[1].home < 0, x[0])) != (i, v)

    def _left_of(
        self, s: State, i: int, v: Value, mine: dict[int, dict[str, int]], dead: tuple[int, ...]
    ) -> Iterator[str]:
        home = v.spec if v.home < 0 else v.home
        states = {n: row[self.uuids[i]] & 3 for n, row in enumerate(s.real) if row[self.uuids[i]]}
        states = {n: state for n, state in states.items() if s.books[n] is not GONE and n not in dead}
        if states and (v.home not in states or states[v.home] < max(states.values())):
            yield f"i{i} is accounted on n{v.home}, its guest is {states}"
        if set(mine) - {home}:
            yield f"i{i} holds {mine}, and should on n{home} only"
        would_fit = s.report[home][self.uuids[i]] or self._fits(s, home, i, v.size)
        if home not in mine and s.books[home] is not GONE and would_fit:
            yield f"i{i} fits on n{home} and is not claimed"
        if mine.get(home, {"R": v.size}) != {"R": v.size}:
            yield f"i{i} holds {mine}, and should {v.size}"

    def _left_of_a_move(
        self, s: State, i: int, v: Value, mine: dict[int, dict[str, int]], dead: tuple[int, ...]
    ) -> Iterator[str]:
        move = v.move
        assert move is not None
        view = s.migrations[move.m]
        if move.m < 0 or move.phase == "E" or not isinstance(view, tuple) or view[1]:
            yield f"i{i} stays in a move that is over: {move}"
            return
        listed = s.report[move.target][self.uuids[i]]
        if move.phase == "A" and s.books[move.target] is not GONE and move.target not in dead:
            same = move.source == move.target
            arrived = listed >> 2 == move.new != move.old if same else listed
            if (arrived and move.kind != "Live") or (move.kind == "Live" and listed & 3 == RUNNING):
                yield f"i{i} has arrived, and that is never seen: {move}"
        want: dict[int, dict[str, int]] = {v.spec if v.home < 0 else v.home: {"R": v.size}}
        size = max(move.old, move.new)
        if move.phase == "A" and ("I" in mine.get(move.target, {}) or self._fits(s, move.target, i, size)):
            want.setdefault(move.target, {})["I"] = size
        if move.phase == "M":
            want.setdefault(move.source, {})["V"] = move.old
        if mine != want and not self._over(s):
            yield f"i{i} holds {mine}, and should {want}"

    def _over(self, s: State) -> bool:
        return any(sum(self.charged(books, s.report[n])) > self.config.rooms[n] for n, books in self._books(s))

    def _fits(self, s: State, n: int, i: int, size: int) -> bool:
        books = s.books[n]
        if not isinstance(books, tuple):
            return False
        more = (*books, Claim(i, "R", size))
        return sum(self.charged(more, s.report[n])) <= self.config.rooms[n]
