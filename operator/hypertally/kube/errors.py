"""What can go wrong at the API server, as types. Each message is one line that names the thing and the remedy."""


class KubeError(Exception):
    """Base of all; `retry_after` is what the server asked for, in seconds."""

    retry_after: float | None = None


class AccessError(KubeError):
    """The configuration (kubeconfig, service account files) cannot be used: the user's to mend."""


class Unreachable(KubeError):
    """No answer: refused, timed out, TLS failed, name unknown."""


class Unauthorized(KubeError):
    """The server does not know who we are."""


class Forbidden(KubeError):
    """The server knows who we are and refuses; the message names verb and resource."""


class NotFound(KubeError):
    """The named object is not there."""


class KindMissing(NotFound):
    """The server does not know the kind at all."""


class SchemaOutdated(KubeError):
    """The server's kinds lack fields that this program knows."""


class Expired(KubeError):
    """The server's history no longer reaches back to where a list or a watch stood: list anew."""


class Conflict(KubeError):
    """A precondition failed: somebody else wrote, or the object is another one than it was."""


class Invalid(KubeError):
    """The schema or a rule of it refuses the object."""


class BadRequest(KubeError):
    """The server does not understand the request."""


class TooManyRequests(KubeError):
    """The server is loaded and says when to come back."""


class ServerError(KubeError):
    """The server failed."""
