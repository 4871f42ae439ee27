"""kubeconfig files: one or several, merged as kubectl merges them (the first to name a thing wins)."""

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .access import Access, Certificate, Trust, check_proxy, check_server
from .errors import AccessError
from .tokens import NO_TOKEN, ExecToken, FileToken, StaticToken, TokenSource, check_token

_Section = dict[str, Any]


def read_kubeconfig(paths: Sequence[Path], context: str = "") -> Access:
    """The context of that name, or the file's current one. Errors are AccessError, naming file and field."""
    config = _Config(paths)
    name = context or config.current_context
    chosen = config.entry("context", name)
    cluster = config.entry("cluster", config.text(chosen, "cluster", name))
    user = config.entry("user", str(chosen["user"])) if chosen.get("user") else {}
    return Access(
        server=check_server(str(cluster.get("server") or ""), config.origin),
        origin=f"{config.origin}, context {name}",
        trust=_trust(cluster, config),
        proxy=check_proxy(str(cluster["proxy-url"]), config.origin) if cluster.get("proxy-url") else None,
        tokens=_tokens(user, config),
        certificate=_certificate(user, config),
        namespace=str(chosen.get("namespace") or ""),
    )


class _Config:
    """The merged files. Relative paths in them are relative to the file that holds them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.origin = f"kubeconfig {os.pathsep.join(map(str, paths))}"
        self.current_context = ""
        self._entries: dict[tuple[str, str], _Section] = {}
        # Not Path.exists: that raises for a file in a folder that may not be entered.
        present = [path for path in paths if os.path.exists(path)] or list(paths)[:1]  # noqa: PTH110
        for path in present:
            self._merge(path, _load(path))

    def _merge(self, path: Path, document: _Section) -> None:
        self.current_context = self.current_context or str(document.get("current-context") or "")
        for kind in ("context", "cluster", "user"):
            for item in _items(document, f"{kind}s", f"kubeconfig {path}"):
                if not isinstance(item, dict) or not isinstance(item.get(kind), dict | None):
                    raise AccessError(f"kubeconfig {path}: {kind}s holds an entry that is no {kind}")
                section = {**(item.get(kind) or {}), "": path.parent}
                self._entries.setdefault((kind, str(item.get("name"))), section)

    def entry(self, kind: str, name: str) -> _Section:
        found = self._entries.get((kind, name))
        if found is not None:
            return found
        if kind == "context" and not name:
            raise AccessError(f"{self.origin} has no current-context: name one of {self._names(kind)} with --context")
        raise AccessError(f"{self.origin} has no {kind} {name!r}: it has {self._names(kind)}")

    def _names(self, kind: str) -> str:
        return ", ".join(sorted(name for k, name in self._entries if k == kind)) or "none"

    def text(self, section: _Section, field: str, where: str) -> str:
        if not section.get(field):
            raise AccessError(f"{self.origin}: context {where!r} names no {field}")
        return str(section[field])


def _load(path: Path) -> _Section:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise AccessError(f"kubeconfig {path}: {reason}; name another with --kubeconfig") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: 2026-13-45 looks like a date
        raise AccessError(f"kubeconfig {path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise AccessError(f"kubeconfig {path} holds no kubeconfig")
    return document


def _items(section: Mapping[str, Any], field: str, origin: str) -> list[Any]:
    value = section.get(field) or []
    if not isinstance(value, list):
        raise AccessError(f"{origin}: {field} is no list: write each entry behind a '-'")
    return value


def _trust(cluster: _Section, config: _Config) -> Trust:
    pem = _decoded(cluster, "certificate-authority-data", config)
    return Trust(
        ca_file=None if pem else _path(cluster, "certificate-authority"),
        ca_pem=pem,
        server_name=str(cluster.get("tls-server-name") or "") or None,
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
    )


def _tokens(user: _Section, config: _Config) -> TokenSource:
    for legacy in ("auth-provider", "username", "password"):
        if user.get(legacy):
            raise AccessError(f"{config.origin}: {legacy} is not supported: use a token, a certificate or exec")
    if path := _path(user, "tokenFile"):
        return FileToken(path)
    if user.get("token"):
        return StaticToken(check_token(str(user["token"]), f"{config.origin}: token"))
    return _plugin(user["exec"], user[""], config) if user.get("exec") else NO_TOKEN


def _plugin(plugin: Any, directory: Path, config: _Config) -> ExecToken:
    if not isinstance(plugin, dict):
        raise AccessError(f"{config.origin}: exec is no mapping: it needs at least a command")
    where = f"{config.origin}: exec"
    command = str(plugin.get("command") or "")
    if not command:
        raise AccessError(f"{where} names no command")
    program = str(directory / command) if "/" in command else command
    return ExecToken(
        command=(program, *map(str, _items(plugin, "args", where))),
        environment=dict(_variable(pair, where) for pair in _items(plugin, "env", where)),
        api_version=str(plugin.get("apiVersion") or "client.authentication.k8s.io/v1"),
        install_hint=str(plugin.get("installHint") or ""),
    )


def _variable(pair: Any, where: str) -> tuple[str, str]:
    if not isinstance(pair, dict) or not {"name", "value"} <= pair.keys():
        raise AccessError(f"{where}: env holds an entry that is no variable: it needs a name and a value")
    return str(pair["name"]), str(pair["value"])


def _certificate(user: _Section, config: _Config) -> Certificate | None:
    certificate = _decoded(user, "client-certificate-data", config) or _path(user, "client-certificate")
    key = _decoded(user, "client-key-data", config) or _path(user, "client-key")
    if (certificate is None) != (key is None):
        raise AccessError(f"{config.origin}: client-certificate and client-key stand together or not at all")
    return Certificate(certificate, key) if certificate and key else None


def _path(section: _Section, field: str) -> Path | None:
    value = section.get(field)
    return Path(section[""]) / str(value) if value else None


def _decoded(section: _Section, field: str, config: _Config) -> str | None:
    value = section.get(field)
    if not value:
        return None
    try:
        return base64.b64decode(str(value), validate=True).decode("ascii")
    except ValueError as error:  # binascii.Error, UnicodeError
        raise AccessError(f"{config.origin}: {field} is no base64 of a PEM") from error
