"""What the API server's answers mean: an object, or one of the typed errors with a line that a person can act on."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hypertally.api.names import GROUP

from .errors import (
    BadRequest,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    KindMissing,
    KubeError,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from .kinds import Kind

_ERRORS: dict[int, type[KubeError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    415: BadRequest,
    422: Invalid,
    429: TooManyRequests,
}
_POLICY = "ValidatingAdmissionPolicy"
"""In what an admission policy says; no role would help."""
_GOING = "custom resource definition is terminating"
"""In a 403 for a kind that somebody deletes at this moment."""

_SHOWN_CHARACTERS = 500
_FIRST_FAILURE = 400


def object_of(status: int, headers: Mapping[str, str], body: bytes, kind: Kind) -> dict[str, Any]:
    """The object in the answer to a question about this kind; raises the KubeError that the answer stands for."""
    document = _document(body)
    if status >= _FIRST_FAILURE:
        raise _error(status, headers, document, kind)
    if document is None:
        raise ServerError(f"the API server answered {status} with something that is no object: {_shorten(body)}")
    return document


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return document if isinstance(document, dict) else None


def _error(status: int, headers: Mapping[str, str], document: dict[str, Any] | None, kind: Kind) -> KubeError:
    said = str((document or {}).get("message") or f"the API server answered {status}")
    details = (document or {}).get("details") or {}
    error = _typed(status, _shorten(said), details, kind)
    error.retry_after = _retry_after(headers, details)
    return error


def _typed(status: int, said: str, details: Mapping[str, Any], kind: Kind) -> KubeError:
    match status:
        case 401:
            return Unauthorized(f"the API server does not accept these credentials ({said}): renew the token or log in")
        case 403:
            is_right = _POLICY not in said and _GOING not in said
            return Forbidden(said + (": a ClusterRole or Role must allow it to this account" if is_right else ""))
        case 404:
            return _missing(said, details, kind)
        case _:
            return _ERRORS.get(status, ServerError)(said)


def _missing(said: str, details: Mapping[str, Any], kind: Kind) -> NotFound:
    """An object that is missing is named in the details; a kind that is missing is not."""
    if details.get("kind") == "namespaces":
        return NotFound(f"{said}: kubectl create namespace {details.get('name')}")
    if details.get("name"):
        return NotFound(said)
    remedy = "the CRDs are not installed: kubectl apply --server-side -f crds/" if kind.group == GROUP else said
    return KindMissing(f"the API server has no {kind.plural} in {kind.api_version}: {remedy}")


def _retry_after(headers: Mapping[str, str], details: Mapping[str, Any]) -> float | None:
    for value in (headers.get("Retry-After"), details.get("retryAfterSeconds")):
        try:
            return max(0.0, float(value))  # type: ignore[arg-type]  # None and an HTTP date fall to the next
        except (TypeError, ValueError):
            continue
    return None


def _shorten(text: str | bytes) -> str:
    """One line of bearable length."""
    plain = text.decode(errors="replace") if isinstance(text, bytes) else text
    line = " ".join(plain.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"
