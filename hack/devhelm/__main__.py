"""`python -m devhelm [newest|oldest]`: fetches Helm if need be and prints where it is."""

import sys
from collections.abc import Sequence

from devhelm import NEWEST, OLDEST, HelmError, find_helm

_RELEASES = {"newest": NEWEST, "oldest": OLDEST}


def main(arguments: Sequence[str]) -> int:
    names = list(arguments) or ["newest"]
    if unknown := [name for name in names if name not in _RELEASES]:
        print(f"error: {unknown[0]!r} is no release; allowed are {', '.join(_RELEASES)}", file=sys.stderr)
        return 2
    try:
        for name in names:
            print(find_helm(_RELEASES[name]))
    except HelmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
