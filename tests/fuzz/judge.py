"""What must be so, whatever a host says: a report that the API takes, or the last known value and a word why."""

import time
from dataclasses import dataclass
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from hypertally.api.base import to_wire
from hypertally.api.compute_node import Report, ReportContent
from hypertally.api.decode import decode
from hypertally.hypervisor.errors import IdentityUnknown
from hypertally.hypervisor.facts import Snapshot
from hypertally.hypervisor.report import Audit, report

from .documents import Sample, healthy, samples
from .mutations import mutated, reworded

SLOWEST_SECONDS = 2.0
"""For one document: generous, since other things run on the machine; a parser that hangs takes for ever."""

_MAY_BE_NEGATIVE = {"diskAvailableLeastMiB"}
_LARGEST = 2**63 - 1
_REWORDED_EVERY = 8


class Verdict(AssertionError):
    """The document did what no document may do."""


@dataclass
class Trial:
    """`run(number)` makes the document of that number, the same at each run with the same seed, and judges it."""

    seed: int

    def __post_init__(self) -> None:
        self._healthy = healthy()
        self._samples = samples()
        self._whole = [report(each.put(self._healthy, each.document)) for each in self._samples]

    def run(self, number: int) -> None:
        chance = Random(f"{self.seed}:{number}")  # noqa: S311  # to be repeated, not to be secret
        index = chance.randrange(len(self._samples))
        sample, whole = self._samples[index], self._whole[index]
        same = number % _REWORDED_EVERY == 0
        document = (reworded if same else mutated)(sample.document, chance)
        begun = time.perf_counter()
        try:
            _judge(sample, whole, self._healthy, document, same=same)
        except Exception as error:
            raise Verdict(
                f"{sample.name}, document {number} of seed {self.seed}: {type(error).__name__}: {error}\n{document!r}"
            ) from error
        if (seconds := time.perf_counter() - begun) > SLOWEST_SECONDS:
            raise Verdict(f"{sample.name}, document {number} of seed {self.seed}: {seconds:.1f} s\n{document[:500]!r}")


def _judge(sample: Sample, whole: Audit, host: Snapshot, document: str, *, same: bool) -> None:
    given = sample.put(host, document)
    try:
        seen = report(given, whole.content)
    except IdentityUnknown:
        _require(sample.part == "cpu" and not same, "another document than the capabilities hides the host")
        return
    _is_fit(seen.content)
    if same:
        _require(report(given, whole.content) == seen, "the same host does not give the same report")
        _require(seen.content == whole.content, "a change that means nothing changes the report")
        _require(seen.problems == whole.problems, f"a change that means nothing is a problem: {seen.problems}")
    elif sample.part and _is_no_xml(document):
        # What a guest uses at present is not kept by guest: while nobody knows, it counts with all that it may use.
        left, known = replace(seen.content, measured=None), replace(whole.content, measured=None)
        _require(left == known, "a document of no use does not leave the last known values")
        said = " ".join(map(str, seen.problems))
        _require(sample.part in said, f"nothing says that {sample.part} is unknown: {said}")


def _is_fit(content: ReportContent) -> None:
    numbered = Report(generation=1, **{name: getattr(content, name) for name in ReportContent.__struct_fields__})
    wire = to_wire(numbered)
    _require(decode(wire, Report) == numbered, "the report is not what it says on the wire")
    _numbers(wire, "")
    for guest in content.guests:
        _require(guest.vcpus + guest.pcpus > 0, "a guest without a CPU")
        _require(guest.memory_mib > 0, "a guest without memory")


def _numbers(value: Any, name: str) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            _numbers(each, key)
    elif isinstance(value, list):
        for each in value:
            _numbers(each, name)
    elif isinstance(value, int):
        _require(value >= 0 or name in _MAY_BE_NEGATIVE, f"{name} is {value}")
        _require(abs(value) <= _LARGEST, f"{name} is beyond what JSON's readers take")


def _is_no_xml(document: str) -> bool:
    """By the standard library's reader, which knows nothing of ours; a DTD is refused besides."""
    if "<!DOCTYPE" in document:
        return True
    try:
        ET.fromstring(document)  # noqa: S314  # Python's expat bounds what entities come to
    except (ET.ParseError, ValueError):
        return True
    return False


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)
