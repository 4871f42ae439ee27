"""`python -m benchmarks [NAME …]`: runs all or some, prints a table, writes results.json, fails beyond a budget."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from . import agent, audit, claims, devices, events, fit, place, scale
from .result import RESULTS, Result, save

BENCHMARKS: dict[str, Callable[[], Iterator[Result]]] = {
    "audit": audit.run,
    "agent": agent.run,
    "events": events.run,
    "claims": claims.run,
    "devices": devices.run,
    "fit": fit.run,
    "place": place.run,
    "scale": scale.run,
}

HEADINGS = ("NAME", "OURS", "FLOOR", "UNIT", "RATIO", "BUDGET", "WITHIN")
ROW = "{:<24} {:>12} {:>12} {:<10} {:>8} {:>8}  {}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"which to run: {', '.join(BENCHMARKS)}; all if none")
    names = parser.parse_args(arguments).names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is named {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    os.environ.setdefault("GOGC", "100")  # as Go has it: development clusters are given more memory instead
    print(ROW.format(*HEADINGS), flush=True)
    results = [_shown(result) for name in names for result in BENCHMARKS[name]()]
    save(results)
    print(f"written to {RESULTS}")
    return 0 if all(result.within for result in results) else 1


def _shown(result: Result) -> Result:
    numbers = (f"{result.ours:g}", f"{result.floor:g}", result.unit, f"{result.ratio:.2f}", f"{result.budget:g}")
    print(ROW.format(result.name, *numbers, "yes" if result.within else "NO"), flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
