"""`python -m tests.fuzz --documents N`: spoilt documents for every reader of XML, judged one by one."""

import argparse
import resource
import sys
import time
from pathlib import Path

from .judge import Trial, Verdict

_TOLD_EVERY = 10_000
_WARM = 5_000
MOST_GROWTH_MIB = 16


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other documents (default: 1)")
    parser.add_argument("--only", type=int, help="this document alone, to look at what went wrong")
    given = parser.parse_args()
    trial = Trial(given.seed)
    begun, warm = time.monotonic(), 0.0
    numbers = range(given.documents) if given.only is None else range(given.only, given.only + 1)
    try:
        for number in numbers:
            trial.run(number)
            if number == _WARM:
                warm = resident_mib()
            if number and number % _TOLD_EVERY == 0:
                print(f"{number} documents, {time.monotonic() - begun:.0f} s, {resident_mib():.0f} MiB", flush=True)
    except Verdict as verdict:
        print(verdict, file=sys.stderr)
        return 1
    grown = resident_mib() - warm if warm else 0.0
    print(f"{len(numbers)} documents in {time.monotonic() - begun:.0f} s, {grown:+.1f} MiB since document {_WARM}")
    return 0 if grown <= MOST_GROWTH_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
