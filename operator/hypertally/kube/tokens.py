"""Bearer tokens that change while the program runs."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from .errors import AccessError

_REREAD_SECONDS = 60.0
"""As often as client-go: the kubelet renews a projected token when 80 % of its life (10 min or more) is over."""

_EXEC_SECONDS = 30.0
_EXPIRY_MARGIN_SECONDS = 30.0


def check_token(token: str, where: str) -> str:
    """As it is; AccessError for one that no HTTP header can carry. The message never shows it."""
    for position, character in enumerate(token, start=1):
        if not "!" <= character <= "~":
            shown = f"character {position} (U+{ord(character):04X})"
            raise AccessError(f"{where}: {shown} can be in no token: write it anew")
    return token


class TokenSource(Protocol):
    """Where the token of the next request comes from; called from several threads."""

    def token(self) -> str | None: ...

    def refused(self) -> None:
        """The server refused the last one: do not answer the next question from memory."""


@dataclass(frozen=True)
class StaticToken:
    """A token that never changes; None for access by certificate."""

    value: str | None = None

    def token(self) -> str | None:
        return self.value

    def refused(self) -> None:
        """There is no other."""


NO_TOKEN = StaticToken()


@dataclass
class FileToken:
    """A token in a file that somebody else renews. While it cannot be read, the last one is used."""

    path: Path
    clock: Callable[[], float] = time.monotonic
    _value: str = ""
    _read_at: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def token(self) -> str:
        with self._lock:
            if self.clock() - self._read_at >= _REREAD_SECONDS:
                self._read()
            return self._value

    def refused(self) -> None:
        with self._lock:
            self._read_at = float("-inf")

    def _read(self) -> None:
        try:
            self._value = self._content()
        except AccessError:
            if not self._value:
                raise
        self._read_at = self.clock()

    def _content(self) -> str:
        try:
            text = self.path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "is no text"
            raise AccessError(f"token file {self.path}: {reason}") from error
        if not text:
            raise AccessError(f"token file {self.path} is empty")
        return check_token(text, f"token file {self.path}")


@dataclass
class ExecToken:
    """A token from a credential plugin (`users[].user.exec`), asked again when it expires or is refused."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    api_version: str
    install_hint: str = ""
    _value: str = ""
    _expires: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def token(self) -> str:
        with self._lock:
            if time.time() >= self._expires:
                self._value, self._expires = self._ask()
            return self._value

    def refused(self) -> None:
        with self._lock:
            self._expires = float("-inf")

    def _ask(self) -> tuple[str, float]:
        said = self._run().get("status")
        status = said if isinstance(said, dict) else {}
        token, expiry = status.get("token"), status.get("expirationTimestamp")
        where = f"credential plugin {self.command[0]}"
        if not token:
            raise AccessError(f"{where}: its answer has no status.token")
        until = _seconds(str(expiry)) - _EXPIRY_MARGIN_SECONDS if expiry else float("inf")
        return check_token(str(token), f"{where}: status.token"), until

    def _run(self) -> dict[str, Any]:
        request = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = {**os.environ, **self.environment, "KUBERNETES_EXEC_INFO": json.dumps(request)}
        try:
            done = subprocess.run(
                self.command, env=environment, check=True, capture_output=True, timeout=_EXEC_SECONDS, text=True
            )
            answer = json.loads(done.stdout)
        except FileNotFoundError as error:
            hint = f": {' '.join(self.install_hint.split())}" if self.install_hint else ""
            raise AccessError(f"credential plugin {self.command[0]} is not installed{hint}") from error
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise AccessError(f"credential plugin {self.command[0]}: {' '.join(str(said).split())}") from error
        return answer if isinstance(answer, dict) else {}


def _seconds(timestamp: str) -> float:
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError as error:
        raise AccessError(f"credential plugin: expirationTimestamp {timestamp!r} is no RFC 3339 time") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
