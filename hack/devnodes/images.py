"""Images that need no builder: one layer with one file."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

PAUSE = "localhost/pause:1"

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
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created_by": "devnodes"}],
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    parts = {
        "config.json": json.dumps(config).encode(), "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()
    }  # fmt: skip
    archive.write_bytes(_tar(parts, 0o644))


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
