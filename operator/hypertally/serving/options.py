"""How a program is told what to do: by flags, the environment and one file, all under the same names.

A flag goes before the environment, that before the file, that before the default.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NoReturn

PREFIX = "HYPERTALLY_"
_SPACE_FOR_VALUE = 40


class UsageError(ValueError):
    """The user's mistake, in one line: where it is, the value, and what is allowed."""


@dataclass(frozen=True)
class Option:
    """One setting. `parse` raises ValueError with the value and what is allowed; the name is put before it."""

    flag: str
    parse: Callable[[str], Any]
    default: str
    help: str
    metavar: str = "VALUE"
    repeated: bool = False
    split: Callable[[str], Sequence[str]] = str.split
    """Into the values of a repeated one, where the environment has them all in one text."""
    short: str = ""
    if_unset: str = ""
    """What stands in for a value that has no default of its own, for whoever reads of it."""

    @property
    def key(self) -> str:
        """In Python."""
        return self.name.replace("-", "_")

    @property
    def name(self) -> str:
        """In a file."""
        return self.flag.removeprefix("--")

    @property
    def variable(self) -> str:
        return PREFIX + self.key.upper()

    @property
    def shown_default(self) -> str:
        return self.default or self.if_unset or "none"


@dataclass(frozen=True)
class Switch:
    """A flag without a value, which can be given on the command line only."""

    flag: str
    help: str

    @property
    def key(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


CONFIG = Option("--config", str, "", "YAML file of settings under the names of the flags, without the dashes", "FILE")
CHECK_CONFIG = Switch("--check-config", "print the settings, each with where it comes from, and end")


@dataclass(frozen=True)
class Text:
    """A value as it was written. `source` is where: a flag, a variable, a line of a file; empty for the default."""

    text: str
    source: str = ""


@dataclass(frozen=True)
class Told:
    """What the program was told. `value` has each option's parsed value by its key, `texts` how it was written."""

    program: "Program"
    value: Mapping[str, Any]
    texts: Mapping[str, Sequence[Text]]
    switches: frozenset[str]
    """Keys of those that are on."""

    def print(self) -> None:
        """Every setting and where it comes from: a file that would set the same."""
        print(f"# {self.program.name}: these settings can be used.")  # noqa: T201  # to the person who called
        for line in _described(self):
            print(line)  # noqa: T201


@dataclass(frozen=True)
class Program:
    name: str
    description: str
    options: tuple[Option, ...]
    switches: tuple[Switch, ...] = (CHECK_CONFIG,)

    def read(self, arguments: Sequence[str], environ: Mapping[str, str]) -> Told:
        """Raises UsageError; ends the program after --help and --version."""
        given = vars(self._parser().parse_args(arguments))
        file = self._file(given.pop(CONFIG.key), environ)
        texts = {option.key: _texts(option, given[option.key], environ, file) for option in self.options}
        value = {option.key: _parsed(option, texts[option.key]) for option in self.options}
        return Told(self, value, texts, frozenset(switch.key for switch in self.switches if given[switch.key]))

    def _parser(self) -> argparse.ArgumentParser:
        parser = _Parser(
            prog=self.name,
            description=self.description,
            epilog="Each flag with a value can be set in the environment as well, as HYPERTALLY_LOG_LEVEL for "
            "--log-level, and in the file that --config names, as log-level. A flag goes before the environment, "
            "and that before the file.",
            allow_abbrev=False,
        )
        for option in (CONFIG, *self.options):
            names = (option.short, option.flag) if option.short else (option.flag,)
            how: dict[str, Any] = {"action": "append"} if option.repeated else {}
            text = f"{option.help} (default: {option.shown_default})".replace("%", "%%")
            parser.add_argument(*names, dest=option.key, metavar=option.metavar, help=text, **how)
        for switch in self.switches:
            parser.add_argument(switch.flag, dest=switch.key, action="store_true", help=switch.help)
        parser.add_argument("--version", action="version", version=f"{self.name} {version('hypertally')}")
        return parser

    def _file(self, flag: str | None, environ: Mapping[str, str]) -> Mapping[str, Sequence[Text]]:
        path = environ.get(CONFIG.variable, "") if flag is None else flag
        if not path:
            return {}
        from .config_file import read_config  # noqa: PLC0415  # 1 MiB of YAML that a program without a file never needs

        source = CONFIG.variable if flag is None else CONFIG.flag
        return read_config(path, source, {option.name: option for option in self.options})


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def _texts(option: Option, flag: Any, environ: Mapping[str, str], file: Mapping[str, Sequence[Text]]) -> Sequence[Text]:
    """The values of the first source that has any; one text, unless the option is repeated."""
    if flag is not None:
        return [Text(text, option.flag) for text in (flag if option.repeated else [flag])]
    if option.variable in environ:
        said = environ[option.variable]
        return [Text(text, option.variable) for text in (option.split(said) if option.repeated else [said])]
    if option.name in file:
        return file[option.name]
    return [] if option.repeated else [Text(option.default)]


def _parsed(option: Option, texts: Sequence[Text]) -> Any:
    values = tuple(_value(option, text) for text in texts)
    return values if option.repeated else values[0]


def _value(option: Option, text: Text) -> Any:
    try:
        return option.parse(text.text)
    except ValueError as error:
        raise UsageError(f"{text.source or option.flag}: {error}") from error


def _described(told: Told) -> Iterator[str]:
    for option in told.program.options:
        texts = told.texts[option.key]
        shown = [json.dumps(text.text, ensure_ascii=False) for text in texts]
        source = texts[0].source.partition(": ")[0] if texts else ""
        first = (" []" if not texts else "") if option.repeated else f" {shown[0]}"
        yield f"{option.name}:{first}".ljust(_SPACE_FOR_VALUE) + f" # {source or 'default'}"
        yield from (f"- {text}" for text in shown if option.repeated)
