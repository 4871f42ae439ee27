"""Images that need no builder: one layer with one file."""

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAUSE = "localhost/pause:1"

_MANIFEST = "manifest.json"

_BUSYBOX = Path("/bin/busybox")


def write_pause(archive: Path) -> None:
    """What holds a Pod's namespaces: Debian's static busybox, asleep. containerd ends it with SIGKILL."""
    write_image(archive, PAUSE, _BUSYBOX.read_bytes(), ["/busybox", "sleep", "2147483647"])


def write_image(archive: Path, name: str, program: bytes, command: list[str], architecture: str = "amd64") -> None:
    """An archive as docker writes it, of an image whose only file is what the command names first."""
    layer = _tar({command[0].removeprefix("/"): program}, 0o755)
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": command},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
        "history": [{"created_by": "devnodes"}],
    }
    about = json.dumps(config).encode()
    config_name, layer_name = f"{_digest(about)}.json", f"{_digest(layer)}.tar"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [layer_name]}]
    parts = {config_name: about, layer_name: layer, _MANIFEST: json.dumps(manifest).encode()}
    archive.write_bytes(_tar(parts, 0o644))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def merge(archives: Sequence[Path], target: Path) -> None:
    """One archive of all these images, as docker writes it for several: what they have in common is in it once."""
    images: list[dict[str, Any]] = []
    taken: set[str] = set()
    with tarfile.open(target, "w") as merged:
        for archive in archives:
            with tarfile.open(archive) as tar:
                told = json.loads(_read(tar, _MANIFEST))
                wanted = {name for image in told for name in (image["Config"], *image["Layers"])} - taken
                for name in sorted(wanted):
                    merged.addfile(tar.getmember(name), tar.extractfile(name))
                images += told
                taken |= wanted
        content = json.dumps(images).encode()
        merged.addfile(_entry(_MANIFEST, len(content)), io.BytesIO(content))


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    return file.read() if file else b""


def _entry(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            tar.addfile(_entry(name, len(content), mode), io.BytesIO(content))
    return buffer.getvalue()
