"""The file of settings: YAML, one key for each option, named as its flag without the dashes.

Every scalar is taken as it is written: a reader that guesses types makes 8 of 010 and false of no.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from .options import Option, Text, UsageError

_MOST_BYTES = 1024 * 1024
_DEEPEST = 8


def read_config(path: str, told_by: str, options: Mapping[str, Option]) -> dict[str, Sequence[Text]]:
    """The values of `options`, by their names. Raises UsageError with the file, the line and the key."""
    root = _compose(path, told_by)
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(f"{_place(path, root)}: the file must be a mapping, such as node-name: n1")
    found: dict[str, Sequence[Text]] = {}
    for key, value in root.value:
        place, name = _place(path, key), key.value
        if not isinstance(name, str) or name not in options:
            raise UsageError(f"{place}: {_unknown(name, options)}")
        if name in found:
            raise UsageError(f"{place}: {name} is given twice; allowed is once")
        found[name] = list(_texts(path, options[name], value))
    return found


def _compose(path: str, told_by: str) -> yaml.Node | None:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{told_by}: {path}: {reason}; name a file that can be read") from None
    if len(raw) > _MOST_BYTES:
        raise UsageError(f"{told_by}: {path}: the file is larger than {_MOST_BYTES} bytes")
    try:
        return yaml.compose(raw.decode(), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise UsageError(f"{path}: the file is not UTF-8") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UsageError(f"{path}: no YAML that can be used: it is nested too deeply") from None


def _place(path: str, node: yaml.Node) -> str:
    return f"{path}:{node.start_mark.line + 1}"


def _unknown(name: object, options: Mapping[str, Option]) -> str:
    close = get_close_matches(str(name), options, n=1)
    meant = f"did you mean {close[0]}?" if close else "--help lists them, without the dashes here"
    return f"no setting is named {str(name)[:80]!r}; {meant}"


def _texts(path: str, option: Option, node: yaml.Node) -> Iterator[Text]:
    source = f"{_place(path, node)}: {option.name}"
    if option.repeated:
        if not isinstance(node, yaml.SequenceNode):
            raise UsageError(f"{source} must be a list, each value in a line of its own after '- '")
        for each in node.value:
            yield Text(_text(each), f"{_place(path, each)}: {option.name}")
    elif isinstance(node, yaml.ScalarNode):
        yield Text(node.value, source)
    else:
        raise UsageError(f"{source} must be one value, not a list or a mapping")


def _text(node: yaml.Node) -> str:
    """A structure is handed on as JSON, as the same option's flag takes it."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    return json.dumps(_plain(node, 0))


def _plain(node: yaml.Node, depth: int) -> Any:
    if depth > _DEEPEST:
        raise UsageError(f"{node.start_mark.line + 1}: nested too deeply")
    if isinstance(node, yaml.MappingNode):
        return {str(_plain(key, depth + 1)): _plain(value, depth + 1) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, depth + 1) for each in node.value]
    return node.value
