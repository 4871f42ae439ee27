"""`--once`: one audit of each connection, printed; no cluster is needed."""

import sys
from typing import TextIO

import msgspec

from hypertally.api.compute_node import Report

from .deadline import Deadlines
from .host import LibvirtHost
from .looks import Seen
from .observer import Observer
from .options import PROGRAM
from .render import render
from .settings import Settings

EXIT_FAILED = 1
"""At least one host could not be audited; stderr says why."""
EXIT_INCOMPLETE = 3
"""Every host was audited, but parts are unknown; stderr names them."""

_FIRST_GENERATION = 1
"""There is no earlier report to count on from."""


def run_once(settings: Settings, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """The exit code: 0, EXIT_FAILED or EXIT_INCOMPLETE."""
    out, err = out or sys.stdout, err or sys.stderr
    worst = 0
    for position, spec in enumerate(settings.connections):
        deadlines = Deadlines(most_hanging=len(settings.connections) + 1)
        observer = Observer(LibvirtHost(spec, settings.audit), deadlines, settings.libvirt_timeout, lambda: None)
        look = observer.look(1, None)
        if not isinstance(look, Seen):
            print(f"{PROGRAM}: {look.message}", file=err)
            worst = EXIT_FAILED
            continue
        report = Report(generation=_FIRST_GENERATION, **msgspec.structs.asdict(look.content))
        print(("\n" if position else "") + render(settings.output, look.identity, report), file=out)
        for problem in look.problems:
            print(f"{PROGRAM}: {spec.uri}: unknown: {problem}", file=err)
            worst = worst or EXIT_INCOMPLETE
        observer.close()
    return worst
