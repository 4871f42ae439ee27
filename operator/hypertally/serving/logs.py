"""Logs for machines and people: one record, one line, whatever the message holds."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

import msgspec

_OBJECT = "object"
_KOPF_OBJECT, _KOPF_FIELDS = "k8s_ref", frozenset({"k8s_skip", "settings"})
"""What kopf's loggers add for kopf's own formatter: the object, and nothing else that says anything."""

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"} | _KOPF_FIELDS
"""Attributes that every record has; what `extra=` added is the rest."""


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def about(kind: str, key: str) -> dict[str, dict[str, str]]:
    """For `extra=`: the object that a record is about. `key` is its name, with its namespace where it has one."""
    namespace, _, name = key.rpartition("/")
    return {_OBJECT: _reference({"kind": kind, "namespace": namespace, "name": name})}


def configure(log_format: LogFormat, level: LogLevel = LogLevel.INFO, stream: TextIO | None = None) -> None:
    """Send every logger's records to `stream` (default stderr) and nowhere else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format is LogFormat.JSON else TextFormatter())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level.upper())


class JsonFormatter(logging.Formatter):
    """One JSON object: time (RFC 3339, UTC), level, logger, message, then what `extra=` gave, then an exception.

    Where a record is about an object, `object` has its kind, namespace and name, whichever program says it.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class TextFormatter(logging.Formatter):
    """`time LEVEL message key=value …`; line breaks are shown as `\\n`, so that a line is always one record."""

    def format(self, record: logging.LogRecord) -> str:
        pairs = "".join(f" {key}={_short(value)}" for key, value in _extra(record).items())
        exception = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        line = f"{_moment(record)} {record.levelname:7} {record.getMessage()}{pairs}{exception}"
        return line.replace("\n", "\\n")


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    extra = {key: value for key, value in vars(record).items() if key not in _OWN_FIELDS}
    if (kopfs := extra.pop(_KOPF_OBJECT, None)) is not None:
        extra[_OBJECT] = _reference(kopfs)
    return extra


def _reference(said: Mapping[str, str | None]) -> dict[str, str]:
    """What has no namespace says none."""
    return {key: text for key in ("kind", "namespace", "name") if (text := said.get(key))}


def _short(value: Any) -> Any:
    return "/".join(value.values()) if isinstance(value, dict) else value
