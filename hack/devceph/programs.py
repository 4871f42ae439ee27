"""The programs that a private Ceph is made of."""

import os
import shutil

from .errors import MissingPart

_PACKAGES = {
    "ceph": "ceph-common",
    "rbd": "ceph-common",
    "ceph-mgr": "ceph-mgr",
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "monmaptool": "ceph-base",
    "unshare": "util-linux",
}


def require_root() -> None:
    """Raises MissingPart for a caller who may not make a PID namespace of his own."""
    if os.geteuid() != 0:
        raise MissingPart("a private Ceph needs root for its own processes; run this as root or with sudo")


def require_programs() -> None:
    """Raises MissingPart that names every missing program and the packages that bring them."""
    missing = [program for program in _PACKAGES if not shutil.which(program)]
    if missing:
        packages = " ".join(sorted({_PACKAGES[program] for program in missing}))
        raise MissingPart(f"a private Ceph needs {', '.join(missing)}; install with: apt-get install {packages}")
