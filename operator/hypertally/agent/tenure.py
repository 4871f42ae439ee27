"""Whether this process is the agent of its Kubernetes node: it is as long as it holds the Lease of that node.

A second agent under the same node name (a wrong --node-name, a machine cloned with its configuration) would otherwise
take over the Lease, and with it the word on which claims are proven gone and records are let go.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Random at each start of the kernel: clones of a machine differ in it, and all containers of a machine share it."""


def seat(uris: Sequence[str], boot_id: Path = _BOOT_ID) -> str:
    """Where an agent sits: the same for two processes that serve the same connections on the same running kernel.
    Empty if the kernel does not tell."""
    try:
        boot = boot_id.read_text().strip()
    except OSError:
        return ""
    return hashlib.sha256("\n".join([boot, *sorted(uris)]).encode()).hexdigest()[:12] if boot else ""


@dataclass
class Tenure:
    """Shared by the Lease, which decides, and all who write for the node. Nobody keeps a Lease: nothing to wait for."""

    _held: bool = True
    _why: str = ""
    _lock: Lock = field(default_factory=Lock)

    def begin(self) -> None:
        """From here on nothing is written until the Lease is held."""
        self._set(held=False, why="")

    def hold(self) -> None:
        self._set(held=True, why="")

    def lose(self, why: str) -> None:
        self._set(held=False, why=why)

    @property
    def held(self) -> bool:
        with self._lock:
            return self._held

    def complaints(self) -> tuple[str, ...]:
        """Why nothing is written; nothing when it is, or when the first answer is still to come."""
        with self._lock:
            return (self._why,) if self._why and not self._held else ()

    def _set(self, *, held: bool, why: str) -> None:
        with self._lock:
            self._held, self._why = held, why
