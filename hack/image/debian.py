"""A base image made on this machine, from the machine's own package sources: for a lane that has no registry.

Debian's smallest system by debootstrap, and a builder whose images are in the user's cache.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from image.errors import ImageError

#: What pip is told by the machine and may be told in a build.
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")

#: Where the machine's certificates are seen in a build: not where a package would put its own.
_CERTIFICATES = "/run/build-certificates.pem"

#: Seconds; half a minute on an idle machine.
_DEADLINE = 900.0


def use_cache(cache: Path) -> None:
    """From now on this process's buildah keeps its images there, and needs no namespaces of its own to build."""
    cache.mkdir(parents=True, exist_ok=True)
    conf = cache / "storage.conf"
    # JSON's strings are TOML's.
    graph, run = json.dumps(str(cache / "storage")), json.dumps(str(cache / "run"))
    conf.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = {graph}\nrunroot = {run}\n')
    os.environ["CONTAINERS_STORAGE_CONF"] = str(conf)
    # Else it makes a folder for networks in /etc, and uses none.
    networks = cache / "containers.conf"
    networks.write_text(f"[network]\nnetwork_config_dir = {json.dumps(str(cache / 'networks'))}\n")
    os.environ["CONTAINERS_CONF"] = str(networks)
    os.environ["BUILDAH_ISOLATION"] = "chroot"


def base_image() -> str:
    """Its name; made if it is not there yet."""
    name = f"localhost/debian:{codename()}"
    if subprocess.run(["buildah", "inspect", "--type", "image", name], capture_output=True, check=False).returncode:
        _make(name)
    return name


def codename() -> str:
    told = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if told.get("ID", "").strip('"') != "debian":
        raise ImageError("a base image is made here on Debian only; elsewhere give one by --base")
    return told["VERSION_CODENAME"].strip('"')


def build_options(folder: Path) -> list[str]:
    """Mounts by which a build reaches pip's index as this machine does; the files are put into `folder`."""
    told = _pip_settings()
    lines = [f"{key} = {told[key]}" for key in _PIP_KEYS if key in told]
    mounts = []
    if certificates := told.get("cert"):
        lines.append(f"cert = {_CERTIFICATES}")
        mounts += ["--volume", f"{certificates}:{_CERTIFICATES}:ro"]
    conf = folder / "pip.conf"
    conf.write_text("\n".join(["[global]", *lines]) + "\n")
    return [*mounts, "--volume", f"{conf}:/etc/pip.conf:ro"]


def _pip_settings() -> dict[str, str]:
    """`global.cert='…'`, `:env:.timeout='…'`: the environment's come first and count more."""
    rows = _run(sys.executable, "-m", "pip", "config", "list").splitlines()
    pairs = (row.partition("=") for row in reversed(rows))
    return {key.rpartition(".")[2]: value.strip("'") for key, _, value in pairs}


def _make(name: str) -> None:
    sources = _sources()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        _run("debootstrap", "--variant=minbase", codename(), str(root), sources[0].split()[1])
        (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
        (root / "etc/apt/apt.conf.d/99machine").write_text(_proxies())
        container = _run("buildah", "from", "scratch")
        _run("buildah", "add", "--quiet", container, str(root), "/")
        _run("buildah", "commit", "--quiet", "--rm", container, name)


def _sources() -> list[str]:
    """As the machine's apt has them, the main archive first; nobody else's packages."""
    row = "$(REPO_URI) $(CODENAME)"
    rows = _run("apt-get", "indextargets", "--format", row, "Created-By: Packages", "Origin: Debian").splitlines()
    archives = {suite: uri for uri, suite in (line.split() for line in rows)}
    release = codename()
    if release not in archives:
        raise ImageError("apt knows no package source of Debian itself: run apt-get update, or give an image by --base")
    suites = [suite for suite in (release, f"{release}-updates", f"{release}-security") if suite in archives]
    return [f"deb {archives[suite]} {suite} main" for suite in suites]


def _proxies() -> str:
    keys = ("Acquire::http::Proxy", "Acquire::https::Proxy")
    return _run("apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', *keys) + "\n"


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_DEADLINE, check=False
        )  # fmt: skip
    except FileNotFoundError:
        raise ImageError(f"{command[0]} is missing: apt-get install {command[0]}") from None
    except subprocess.TimeoutExpired:
        raise ImageError(f"{command[0]} did not end within {_DEADLINE:.0f} s") from None
    if done.returncode:
        raise ImageError(f"{' '.join(command)}: {_last(done.stderr.splitlines() or done.stdout.splitlines())}")
    return done.stdout.strip()


def _last(lines: Sequence[str]) -> str:
    return " ".join(lines[-3:])
