"""Where the API server is and how to be let in: from inside a Pod, or from a kubeconfig file.

The official client's `kubernetes.config` would do, but importing it takes 21 MiB of the agent's 60: see
docs/decisions. What is read here is what client-go reads, less the legacy auth providers and passwords.
"""

import ipaddress
import os
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .errors import AccessError
from .tokens import NO_TOKEN, FileToken, TokenSource

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Trust:
    """How the server proves who it is. Without a CA, the machine's own are used."""

    ca_file: Path | None = None
    ca_pem: str | None = None
    server_name: str | None = None
    insecure: bool = False


@dataclass(frozen=True)
class Certificate:
    """A client certificate and its key: files, or PEM text from inside a kubeconfig."""

    certificate: Path | str
    key: Path | str


@dataclass(frozen=True)
class Access:
    """Everything that a transport needs. `origin` is what a message calls this configuration."""

    server: str
    origin: str
    trust: Trust = Trust()
    tokens: TokenSource = NO_TOKEN
    certificate: Certificate | None = None
    proxy: str | None = None
    namespace: str = ""
    """The one that whoever wrote the configuration works in; empty where it names none."""

    def ssl_context(self) -> ssl.SSLContext:
        """A fresh context: the files are read now. Errors are AccessError."""
        try:
            return self._ssl_context()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            reason = getattr(error, "strerror", None) or error
            raise AccessError(f"{self.origin}: its certificates cannot be used: {reason}") from error

    def _ssl_context(self) -> ssl.SSLContext:
        ca_file = str(self.trust.ca_file) if self.trust.ca_file else None
        context = ssl.create_default_context(cafile=ca_file, cadata=self.trust.ca_pem)
        # Python 3.13 asks for extensions (authority key identifier) that many clusters' own CAs do not have.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.trust.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            with _as_file(self.certificate.certificate) as certificate, _as_file(self.certificate.key) as key:
                context.load_cert_chain(certificate, key)
        return context


@contextmanager
def _as_file(pem: Path | str) -> Iterator[Path]:
    """OpenSSL loads a certificate and its key from files only; text lives in a private one just as long as that."""
    if isinstance(pem, Path):
        yield pem
        return
    with tempfile.NamedTemporaryFile("w", prefix="hypertally-", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        yield Path(file.name)


def find_access(
    kubeconfig: str = "", context: str = "", environ: Mapping[str, str] = os.environ, account: Path = SERVICE_ACCOUNT
) -> Access:
    """The named kubeconfig; else, in this order, $KUBECONFIG, the Pod's service account, ~/.kube/config."""
    from .kubeconfig import read_kubeconfig  # noqa: PLC0415  # a Pod never loads the YAML parser

    if kubeconfig:
        return read_kubeconfig([Path(kubeconfig)], context)
    if paths := [Path(part) for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]:
        return read_kubeconfig(paths, context)
    if "KUBERNETES_SERVICE_HOST" in environ and not context:
        return in_cluster(environ, account)
    return read_kubeconfig([Path(environ.get("HOME", "/")) / ".kube" / "config"], context)


def in_cluster(environ: Mapping[str, str] = os.environ, account: Path = SERVICE_ACCOUNT) -> Access:
    """The service account of the Pod that this program runs in."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise AccessError("not in a Pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    for needed in ("token", "ca.crt"):
        if not (account / needed).is_file():
            remedy = "the Pod needs automountServiceAccountToken: true, or use --kubeconfig"
            raise AccessError(f"{account / needed} is not there: {remedy}")
    shown = f"[{host}]" if ":" in host else host
    return Access(
        server=check_server(f"https://{shown}:{port}", "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT"),
        origin=f"service account in {account}",
        trust=Trust(ca_file=account / "ca.crt"),
        tokens=FileToken(account / "token"),
    )


def check_server(server: str, origin: str) -> str:
    """The address without a trailing slash. Errors are AccessError."""
    if problem := _problem(server):
        raise AccessError(f"{origin}: server {_shown(server)} is no address ({problem}): https://host:port is expected")
    return server.rstrip("/")


def check_proxy(proxy: str, origin: str) -> str:
    """The address as it is. Errors are AccessError."""
    if problem := _problem(proxy):
        raise AccessError(
            f"{origin}: proxy-url {_shown(proxy)} is no address ({problem}): http://host:port is expected"
        )
    return proxy


def _problem(url: str) -> str:
    """Why nobody could connect to it; empty if somebody may."""
    if not url.isprintable() or " " in url:
        return "it has a space or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"}:
        return "it begins with neither http:// nor https://"
    if port == 0:
        return "port 0 is nobody's"
    return "" if _is_host(parts.hostname or "") else "its host is neither a name nor an IP address"


def _is_host(host: str) -> bool:
    try:
        if ":" in host:
            ipaddress.IPv6Address(host)
        return bool(host.encode("idna")) and not re.search(r"[^-\w.:%]", host)
    except ValueError:  # UnicodeError: an empty label, or one of more than 63 characters
        return False


def _shown(url: str) -> str:
    """Without a password."""
    return repr(re.sub(r"//[^/]*@", "//…@", url))
