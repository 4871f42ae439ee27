"""The API server's certificate, made for less than the server would make it."""

import shutil
import subprocess
from pathlib import Path

#: The names and the service address by which Pods know the API server; see --service-cluster-ip-range.
_PODS = ("DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc", "IP:10.96.0.1")

#: Seconds for openssl to make one certificate; it takes some hundredths.
_DEADLINE = 30.0

_CONFIGURATION = """\
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = hypertally-devcluster
[extensions]
basicConstraints = critical, CA:true
keyUsage = critical, digitalSignature, keyCertSign
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
subjectAltName = {names}
"""


def write_certificate(certificate: Path, address: str) -> None:
    """A self-signed certificate for that address, with its key beside it, where the API server looks for its own.

    The server would make an RSA key, which takes it half a second, a sixth of its start; an elliptic one takes nothing,
    and each connection costs less as well. Where openssl is missing or fails, the server does as it always did.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        return
    certificate.parent.mkdir(mode=0o700, exist_ok=True)
    names = ", ".join(dict.fromkeys((f"IP:{address}", "IP:127.0.0.1", "DNS:localhost", *_PODS)))
    new, key = certificate.with_suffix(".new"), certificate.with_suffix(".key")
    command = [
        openssl, "req", "-x509", "-config", "/dev/stdin", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-days", "365", "-keyout", str(key), "-out", str(new),
    ]  # fmt: skip
    said = _CONFIGURATION.format(names=names)
    done = subprocess.run(command, input=said, text=True, capture_output=True, timeout=_DEADLINE, check=False)
    # The server takes a pair, and makes one where a half is missing.
    if done.returncode == 0:
        new.rename(certificate)
    else:
        key.unlink(missing_ok=True)
