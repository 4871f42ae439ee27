"""Sets of CPU numbers as Nova, Linux and libvirt write them: `0-3,8`, with `^` before what is to be left out."""

from collections.abc import Iterable, Iterator, Sequence

from .errors import BadSetting

CPU_MAX = 16383
"""libvirt's bound of a CPU number (VIR_DOMAIN_CPUMASK_LEN)."""

_TEXT_MAX = 128 * 1024
"""Characters: more than all of these CPUs one by one. A longer text is a mistake or an attack."""

_FORM = "such as 0-3,^2,8"


class BadCpuSet(BadSetting):
    """The text is no CPU set; the message points at the character."""


def parse_cpu_set(text: str) -> frozenset[int]:
    """Nova's grammar: `n`, `a-b`, `^n`, `^a-b`, separated by commas; what is left out is left out wherever it stands.

    Blanks and empty items mean nothing; an empty text is the empty set. Raises BadCpuSet.
    """
    if len(text) > _TEXT_MAX:
        raise BadCpuSet(f"a CPU set of {len(text)} characters is too long; allowed are {_TEXT_MAX}")
    wanted = unwanted = 0
    for item in _items(text):
        mask, excluded = item
        wanted, unwanted = (wanted, unwanted | mask) if excluded else (wanted | mask, unwanted)
    return _members(wanted & ~unwanted)


def required_cpu_set(text: str) -> frozenset[int]:
    """The same for a configured set, which must have a member."""
    found = parse_cpu_set(text)
    if not found:
        raise BadCpuSet(f"CPU set {text!r} leaves no CPU; allowed is one with at least one, {_FORM}")
    return found


def format_cpu_set(cpus: Iterable[int]) -> str:
    """`0-3,8`, as libvirt and Linux write it; empty for none. The same set gives the same text."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs(sorted(set(cpus))))


def runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers; `numbers` are sorted, none comes twice."""
    start = 0
    for position, number in enumerate(numbers):
        if position + 1 == len(numbers) or numbers[position + 1] != number + 1:
            yield numbers[start], number
            start = position + 1


def _members(mask: int) -> frozenset[int]:
    return frozenset(number for number in range(mask.bit_length()) if mask >> number & 1)


def _items(text: str) -> Iterator[tuple[int, bool]]:
    """Each item as a bit mask, and whether it is left out: a mask, because a text may repeat a range many times."""
    reader = _Reader(text)
    while not reader.at_end():
        if reader.take(","):
            continue
        excluded = reader.take("^")
        begun = reader.position
        first = last = reader.number()
        if reader.take("-"):
            last = reader.number()
            if first > last:
                raise reader.wrong(begun, f"the range {first}-{last} runs backwards")
        if not reader.at_end() and not reader.take(","):
            raise reader.wrong(reader.position, "a comma or the end is expected")
        yield (1 << last + 1) - (1 << first), excluded


class _Reader:
    """A text and a place in it that is never at a blank."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0
        self._skip_blanks()

    def at_end(self) -> bool:
        return self.position == len(self._text)

    def take(self, character: str) -> bool:
        """Steps over `character` if it is next."""
        if self.at_end() or self._text[self.position] != character:
            return False
        self._step_to(self.position + 1)
        return True

    def number(self) -> int:
        begun = end = self.position
        # Not isdigit(), which is true of other scripts' digits and of ².
        while end < len(self._text) and self._text[end] in "0123456789":
            end += 1
        if end == begun:
            raise self.wrong(begun, "a CPU number is expected")
        digits = self._text[begun:end].lstrip("0") or "0"
        if len(digits) > len(str(CPU_MAX)) or int(digits) > CPU_MAX:
            raise self.wrong(begun, f"CPU numbers go up to {CPU_MAX}")
        self._step_to(end)
        return int(digits)

    def wrong(self, position: int, what: str) -> BadCpuSet:
        shown = self._text if len(self._text) <= _SHOWN_MAX else self._text[:_SHOWN_MAX] + "…"
        if position == len(self._text):
            place = "at its end"
        else:
            place = f"at character {position + 1} ({self._text[position]!r})"
        return BadCpuSet(f"{shown!r} is no CPU set: {place} {what}; allowed is a list {_FORM}")

    def _step_to(self, position: int) -> None:
        self.position = position
        self._skip_blanks()

    def _skip_blanks(self) -> None:
        while not self.at_end() and self._text[self.position].isspace():
            self.position += 1


_SHOWN_MAX = 80
