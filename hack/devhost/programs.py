"""The programs that a private host is made of."""

import os
import shutil

from .errors import MissingPart

_PACKAGES = {
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "unshare": "util-linux",
    "mount": "mount",
}
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def search_path() -> str:
    """The caller's PATH and the system folders: libvirtd is in /usr/sbin, which is not on every user's path."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS])


def require_root() -> None:
    """Raises MissingPart for a caller who may not make mounts of his own."""
    if os.geteuid() != 0:
        raise MissingPart("a private host needs root for its own mounts and guests; run this as root or with sudo")


def require_programs() -> None:
    """Raises MissingPart that names every missing program and the packages that bring them."""
    missing = [program for program in _PACKAGES if not shutil.which(program, path=search_path())]
    if missing:
        packages = " ".join(sorted({_PACKAGES[program] for program in missing}))
        raise MissingPart(f"a private host needs {', '.join(missing)}; install with: apt-get install {packages}")
