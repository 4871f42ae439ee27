"""Who may talk to a cluster: users with static tokens, and the files that the API server and clients need for them."""

import base64
import csv
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class User:
    """Somebody with a token. Rights come from RBAC: none until they are granted, except for the admin."""

    key: str
    name: str
    groups: tuple[str, ...] = ()


def service_account(key: str, name: str, namespace: str = "hypertally-system") -> User:
    """A user who appears as that service account, so that the bindings written for it hold for the user too."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return User(key, f"system:serviceaccount:{namespace}:{name}", groups)


ADMIN = User("admin", "admin", ("system:masters",))
AGENT = service_account("agent", "hypertally-agent")
CONTROLLER = service_account("controller", "hypertally-controller")
NOBODY = User("nobody", "nobody")

#: The users of every cluster.
USERS = (ADMIN, AGENT, CONTROLLER, NOBODY)


def make_tokens(users: Iterable[User]) -> dict[str, str]:
    """User key -> a fresh token."""
    return {user.key: secrets.token_urlsafe(24) for user in users}


def write_token_file(path: Path, users: Iterable[User], tokens: Mapping[str, str]) -> None:
    """The API server's --token-auth-file; it is read only when the server starts."""
    with path.open("w", newline="") as file:
        path.chmod(0o600)
        rows = csv.writer(file)
        for user in users:
            rows.writerow([tokens[user.key], user.name, f"uid-{user.key}", ",".join(user.groups)])


def write_kubeconfig(path: Path, *, context: str, url: str, ca_file: Path, user: str, token: str) -> None:
    """A kubeconfig for one user, as JSON, which is YAML."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        "current-context": context,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n")


def write_signing_key(path: Path) -> None:
    """A fresh P-256 key with which the API server signs service account tokens.

    The structure is RFC 5915's ECPrivateKey without the optional public key, which Go computes by itself; made here
    so that no openssl is needed. A random 32-byte number is below the order of P-256 but for one case in 2^32: the
    leading bit is cleared for that.
    """
    scalar = bytearray(secrets.token_bytes(32))
    scalar[0] &= 0x7F
    der = bytes.fromhex("30310201010420") + scalar + bytes.fromhex("a00a06082a8648ce3d030107")
    body = base64.encodebytes(der).decode()
    path.touch(mode=0o600)
    path.write_text(f"-----BEGIN EC PRIVATE KEY-----\n{body}-----END EC PRIVATE KEY-----\n")
