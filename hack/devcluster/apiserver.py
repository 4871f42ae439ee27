"""How etcd and the API server are told to run, and when they are ready."""

import json
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from types import MappingProxyType

from devcluster.audit import POLICY
from devcluster.ports import HOST
from devcluster.programs import Programs

#: Seconds for one answer.
ANSWER_DEADLINE = 5.0


@dataclass(frozen=True)
class Layout:
    """Where the parts of one cluster are kept."""

    directory: Path

    @property
    def data(self) -> Path:
        return self.directory / "etcd"

    @property
    def certificates(self) -> Path:
        return self.directory / "certificates"

    @property
    def ca_file(self) -> Path:
        """The server's certificate is self-signed, so it serves as the authority too."""
        return self.certificates / "apiserver.crt"

    @property
    def tokens(self) -> Path:
        return self.directory / "tokens.csv"

    @property
    def signing_key(self) -> Path:
        return self.directory / "service-account.key"

    @property
    def audit_policy(self) -> Path:
        return self.directory / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        return self.directory / "audit.log"

    def log(self, program: str) -> Path:
        return self.directory / f"{program}.log"

    def kubeconfig(self, user: str) -> Path:
        return self.directory / "kubeconfig" / user


@dataclass(frozen=True)
class Ports:
    """Where the programs of one cluster listen."""

    etcd: int
    etcd_peer: int
    apiserver: int
    address: str = HOST
    """Of the API server; etcd is for nobody but it."""

    @property
    def etcd_url(self) -> str:
        return f"http://{HOST}:{self.etcd}"

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.apiserver}"


def etcd_command(programs: Programs, layout: Layout, ports: Ports) -> list[str | Path]:
    """etcd on loopback, without waiting for the disk: nobody needs these data after a power cut."""
    peer = f"http://{HOST}:{ports.etcd_peer}"
    return [
        programs.etcd.path,
        "--data-dir", layout.data,
        "--unsafe-no-fsync",
        "--listen-client-urls", ports.etcd_url,
        "--advertise-client-urls", ports.etcd_url,
        "--listen-peer-urls", peer,
        "--initial-advertise-peer-urls", peer,
        "--initial-cluster", f"default={peer}",
        "--log-level", "warn",
    ]  # fmt: skip


def apiserver_command(programs: Programs, layout: Layout, ports: Ports) -> list[str | Path]:
    """The API server, with the admission and authorization that a real cluster has."""
    return [
        programs.apiserver.path,
        f"--etcd-servers={ports.etcd_url}",
        f"--secure-port={ports.apiserver}",
        f"--bind-address={ports.address}",
        # Else it looks for an address of the default route, and does not start on a machine that has none. The
        # reconciler would refuse to publish a loopback address as the endpoint of the service `kubernetes`.
        f"--advertise-address={ports.address}",
        f"--endpoint-reconciler-type={'none' if ports.address == HOST else 'lease'}",
        f"--cert-dir={layout.certificates}",
        f"--service-account-key-file={layout.signing_key}",
        f"--service-account-signing-key-file={layout.signing_key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={layout.tokens}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def audit_arguments(layout: Layout) -> list[str]:
    """What makes the server record each request; writes the policy that they name."""
    layout.audit_policy.write_text(json.dumps(POLICY))
    return [
        f"--audit-policy-file={layout.audit_policy}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking",
        # Never rotated: a count over a rotated log would be too low.
        "--audit-log-maxsize=100000",
    ]


def etcd_ready(ports: Ports) -> bool:
    """Whether etcd serves."""
    connection = HTTPConnection(HOST, ports.etcd, timeout=ANSWER_DEADLINE)
    return b'"health":"true"' in _get(connection, "/health")[1]


@dataclass(frozen=True)
class Client:
    """Just enough of a client to see whether the server is ready."""

    port: int
    ca_file: Path
    token: str
    address: str = HOST

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body; status 0 where nobody answers."""
        try:
            # The server makes its certificate only when it starts.
            trust = ssl.create_default_context(cafile=str(self.ca_file))
        except OSError:
            return 0, b""
        connection = HTTPSConnection(self.address, self.port, timeout=ANSWER_DEADLINE, context=trust)
        return _get(connection, path, {"Authorization": f"Bearer {self.token}"})

    def serves(self, path: str) -> bool:
        """Whether that path is answered with success."""
        return self.get(path)[0] == HTTPStatus.OK

    def ready(self) -> bool:
        """Whether the server is ready, and has made the namespace that everybody expects.

        /readyz says ok a moment before the server's own controller has created the first namespaces.
        """
        return self.get("/readyz") == (HTTPStatus.OK, b"ok") and self.serves("/api/v1/namespaces/default")


def _get(connection: HTTPConnection, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[int, bytes]:
    # http.client, because urllib would send this through the proxy of the environment.
    with closing(connection):
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 0, b""
