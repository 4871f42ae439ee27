"""`python -m image [agent] [controller]`: builds the images and writes each one's bill of materials beside it."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from image.build import PROGRAMS, Wish, build
from image.builders import BUILDERS, find_builder
from image.errors import ImageError


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 after one clear message on standard error."""
    parsed = _parser().parse_args(arguments)
    try:
        builder = find_builder(parsed.builder)
        for program in dict.fromkeys(parsed.programs or PROGRAMS):
            image = build(builder, program, _wish(parsed))
            print(f"{image.name}  {image.bill}" + (f"  {image.archive}" if image.archive else ""))
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _wish(parsed: argparse.Namespace) -> Wish:
    wish = Wish(parsed.repository, parsed.tag, parsed.base, parsed.architecture, dict(parsed.build_arg))
    return Wish(**{**vars(wish), "options": shlex.split(parsed.options), "archive": parsed.archive} | _target(parsed))


def _target(parsed: argparse.Namespace) -> dict[str, Path]:
    return {"target": parsed.output.resolve()} if parsed.output else {}


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="image", description="Builds the images of agent and controller.")
    parser.add_argument("programs", nargs="*", choices=[*PROGRAMS, []], help="which; both unless told")
    parser.add_argument(
        "--builder", help=f"one of {', '.join(each.program for each in BUILDERS)}; the first that works"
    )
    parser.add_argument("--base", default="", help="image to build on: Debian 12 or newer, or made from it")
    parser.add_argument("--repository", default="localhost", help="what the names start with (default: %(default)s)")
    parser.add_argument("--tag", default="", help="default: the project's version")
    parser.add_argument("--architecture", default="", help="amd64 or arm64; default: this machine's")
    parser.add_argument("--build-arg", type=_pair, action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--options", default="", help="more options of the builder, as for a shell")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of what is written (default: dist)")
    parser.add_argument("--archive", action="store_true", help="save the images there, too, each as one file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
