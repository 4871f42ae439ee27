"""How a document is spoilt: as text, or as a tree so that it stays well-formed. Some changes mean nothing at all."""

import copy
import re
from collections.abc import Callable
from random import Random
from xml.etree import ElementTree as ET

NUMBERS = (
    "-1", "0", "1", "2147483648", "9223372036854775808", "18446744073709551616", "1" * 400, "9" * 5000, "1e9", "0x10",
    "1_000", " 7 ", "7.5", "\u0663", "", "NaN", "-", "99999999999999999999999999 KiB",
)  # fmt: skip
TEXTS = (
    "", " ", "x", "../../etc/passwd", "a" * 5000, "\u202e", "\U0001f600", "no", "KiB", "0-99999999", "^", ",,,",
    "0000:00:00.0", "ffffffff-ffff-ffff-ffff-ffffffffffff", "hugepages", "strict", "0-", "1-0",
)  # fmt: skip
SPLINTERS = (
    "<", ">", "&", "&#0;", "&lt;", "]]>", "<!--", "-->", "<![CDATA[", "\0", "\ufffe", "\ud800", "'", '"', "</", "/>",
    "<?x y?>", "<x>", "</x>", "\u0000\u0001", "&nope;", "xmlns:a='b'",
)  # fmt: skip
BOMB = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
OUTSIDE = "<!DOCTYPE d SYSTEM 'file:///etc/passwd'>"

_NUMBER = re.compile(r"[0-9]+")


def mutated(text: str, chance: Random) -> str:
    """Spoilt in one to four ways, some of them as text and some as a tree."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        text = chance.choice(_WAYS)(text, chance)
    return text


def reworded(text: str, chance: Random) -> str:
    """Another document that says the same."""
    root = ET.fromstring(text)  # noqa: S314  # a document of our own
    for element in root.iter():
        names = list(element.attrib)
        chance.shuffle(names)
        element.attrib = {name: element.attrib[name] for name in names}
        if len(element) and chance.random() < 0.5:
            element.insert(chance.randrange(len(element) + 1), ET.Element(f"fuzzed{chance.randrange(9)}"))
        if len(element) and chance.random() < 0.3:
            element.insert(chance.randrange(len(element) + 1), ET.Comment(" nothing "))
    said = ET.tostring(root, encoding="unicode", short_empty_elements=chance.random() < 0.5)
    return chance.choice(("", "<?xml version='1.0' encoding='UTF-8'?>\n", "\n")).lstrip() + said


def _cut(text: str, chance: Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.choice((1, 1, 5, 50, 500, len(text))) :]


def _repeat(text: str, chance: Random) -> str:
    start = chance.randrange(len(text) + 1)
    piece = text[start : start + chance.choice((1, 20, 200))]
    return text[:start] + piece * chance.choice((1, 2, 50)) + text[start:]


def _splinter(text: str, chance: Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + chance.choice(SPLINTERS) + text[start + chance.randrange(3) :]


def _flip(text: str, chance: Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + chr(chance.choice((chance.randrange(32, 127), chance.randrange(0xD7FF)))) + text[start + 1 :]


def _number(text: str, chance: Random) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    one = chance.choice(found)
    return text[: one.start()] + chance.choice(NUMBERS) + text[one.end() :]


def _declare(text: str, chance: Random) -> str:
    return chance.choice((BOMB, OUTSIDE, "<!DOCTYPE d>")) + text


def _tree(change: Callable[[ET.Element, list[ET.Element], Random], None]) -> Callable[[str, Random], str]:
    def apply(text: str, chance: Random) -> str:
        try:
            root = ET.fromstring(text)  # noqa: S314  # Python's expat bounds what entities come to
        except (ET.ParseError, ValueError):
            return _splinter(text, chance)
        change(root, list(root.iter()), chance)
        try:
            return ET.tostring(root, encoding="unicode")
        except (TypeError, ValueError):
            return text

    return apply


def _drop(_root: ET.Element, every: list[ET.Element], chance: Random) -> None:
    parent = chance.choice(every)
    if len(parent):
        del parent[chance.randrange(len(parent))]


def _double(_root: ET.Element, every: list[ET.Element], chance: Random) -> None:
    parent = chance.choice(every)
    if len(parent):
        child = parent[chance.randrange(len(parent))]
        for _ in range(chance.choice((1, 1, 30))):
            parent.insert(chance.randrange(len(parent) + 1), copy.deepcopy(child))


def _move(_root: ET.Element, every: list[ET.Element], chance: Random) -> None:
    child = copy.deepcopy(chance.choice(every))
    chance.choice(every).append(child)


def _rename(_root: ET.Element, every: list[ET.Element], chance: Random) -> None:
    chance.choice(every).tag = chance.choice(every).tag


def _attribute(_root: ET.Element, every: list[ET.Element], chance: Random) -> None:
    element = chance.choice(every)
    for name in chance.sample(list(element.attrib), k=min(1, len(element.attrib))):
        if chance.random() < 0.3:
            del element.attrib[name]
        else:
            element.attrib[name] = chance.choice(NUMBERS + TEXTS)


def _text(_root: ET.Element, every: list[ET.Element], chance: Random) -> None:
    chance.choice(every).text = chance.choice((*NUMBERS, *TEXTS, None))


def _deepen(_root: ET.Element, every: list[ET.Element], chance: Random) -> None:
    element = chance.choice(every)
    for _ in range(chance.choice((1, 10, 200))):
        element = ET.SubElement(element, chance.choice(every).tag)


_WAYS: tuple[Callable[[str, Random], str], ...] = (
    _cut, _repeat, _splinter, _flip, _number, _number, _declare,
    *(_tree(each) for each in (_drop, _drop, _double, _move, _rename, _attribute, _attribute, _text, _text, _deepen)),
)  # fmt: skip
