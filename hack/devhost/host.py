"""A private, real libvirtd with the QEMU driver: own mounts, own host name and UUID, own processes."""

import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Self, Unpack

from .errors import HostError, HostTimeout
from .guest import FIRMWARE, IMAGES, Guest, Size, Spec, write_firmware, write_noise, write_sparse
from .init import PRIVATE_FOLDERS
from .process import Supervisor
from .programs import require_programs, require_root, search_path
from .settings import LIBVIRTD_CONF, QEMU_CONF

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SOCKET_PATH_LIMIT = 107
"""sun_path holds 108 bytes with its closing zero."""
_START_SECONDS = 30.0


class Host:
    """One private host. Several run at once; each ends with this process, however that ends."""

    def __init__(self, name: str, host_uuid: str, directory: Path, images: Path | None = None) -> None:
        self.name = name
        self.host_uuid = host_uuid
        self.directory = directory
        self.images = images or directory / "lib" / "images"
        """The folder of the guests' disks; an own one is /var/lib/libvirt/images to the host."""
        self._images_inside = str(images or IMAGES)
        self._supervisor = Supervisor(directory, "devhost.init", [str(directory), name], "--mount", "--uts")

    @classmethod
    def start(cls, name: str = "hv1", host_uuid: str | None = None, images: Path | None = None) -> Self:
        """A host that answers. `name` is its host name, a DNS label; its UUID is drawn unless given.

        `images` is a folder that stays the caller's, in place of an own one: hosts that are given the same one share
        their guests' disks, under the path that the folder has for everybody.
        """
        if not _NAME.fullmatch(name):
            raise HostError(f"name {name!r} is no DNS label: lower-case letters, digits and inner hyphens, at most 63")
        require_root()
        require_programs()
        identity = str(uuid.UUID(host_uuid)) if host_uuid else str(uuid.uuid4())
        shared = images.resolve(strict=True) if images else None
        directory = _prepare_directory(name, identity)
        host = cls(name, identity, directory, shared)
        try:
            host.restart()
        except HostError:
            host._supervisor.abandon()
            raise
        except BaseException:
            host.stop()
            raise
        return host

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def socket(self) -> Path:
        return _socket_of(self.directory)

    @property
    def uri(self) -> str:
        """Reachable from outside the host's namespaces."""
        return f"qemu:///system?socket={self.socket}"

    @property
    def peer_uri(self) -> str:
        """The same as another host's libvirtd calls it: without `+unix` it would take itself for the one meant."""
        return f"qemu+unix:///system?socket={self.socket}"

    @property
    def log(self) -> str:
        """What libvirtd has written so far."""
        path = self.directory / "log" / "libvirtd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # The daemon

    def stop(self) -> None:
        """Ends libvirtd and all guests and removes every file. Safe to call twice."""
        self._supervisor.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL for libvirtd; its guests go on."""
        self._supervisor.ask("kill")

    def power_off(self) -> None:
        """SIGKILL for libvirtd and every guest at once, as when the plug is pulled; `restart` boots it again."""
        self._supervisor.ask("power-off")

    def restart(self, timeout: float = _START_SECONDS) -> None:
        """Ends libvirtd if it runs and starts it on the same folders; returns when it answers."""
        self._supervisor.ask("terminate")
        self._supervisor.ask("start")
        self._wait_until_it_answers(time.monotonic() + timeout)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._supervisor.ask("freeze")

    def thaw(self) -> None:
        self._supervisor.ask("thaw")

    def _wait_until_it_answers(self, deadline: float) -> None:
        while True:
            try:
                self.virsh("version", timeout=max(1.0, deadline - time.monotonic()))
            except HostError as error:
                self._refuse_to_wait_in_vain(error, deadline)
            else:
                return
            time.sleep(0.02)

    def _refuse_to_wait_in_vain(self, error: HostError, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise HostTimeout(f"libvirtd of {self.name} does not answer ({error}); {self._log_tail()}") from error
        try:
            self._supervisor.ask("alive")
        except HostError as dead:
            raise HostError(f"libvirtd of {self.name} ended at once; {self._log_tail()}") from dead

    def _log_tail(self) -> str:
        lines = self.log.splitlines()[-5:]
        return f"its log, in {self.directory}/log, ends with:\n" + "\n".join(lines)

    # Its guests

    def virsh(self, *arguments: str, timeout: float = 30.0) -> str:
        """What virsh prints; raises HostError with what it said of its failure."""
        try:
            done = subprocess.run(
                ["virsh", "--quiet", "--connect", self.uri, *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
                env={"PATH": search_path(), "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            raise HostTimeout(f"virsh {' '.join(arguments[:2])}: no answer within {timeout:.0f} s") from None
        if done.returncode:
            reason = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
            raise HostError(f"virsh {' '.join(arguments[:2])}: {reason}")
        return done.stdout.strip()

    def guests(self) -> frozenset[str]:
        """The names of all, running or not, by the files that libvirt keeps of each: it is not asked."""
        places = (self.directory / "etc" / "qemu", self.directory / "run" / "qemu")
        return frozenset(path.stem for place in places for path in place.glob("*.xml"))

    def remove_guest(self, name: str) -> bool:
        """Ends and forgets it, whatever its state; whether it was there."""
        ended = self._could("destroy", name)
        states = ("--managed-save", "--snapshots-metadata", "--checkpoints-metadata")
        return self._could("undefine", name, *states) or ended

    def _could(self, *arguments: str) -> bool:
        try:
            self.virsh(*arguments)
        except HostTimeout:
            raise
        except HostError:
            return False
        return True

    def define_guest(self, name: str, **spec: Unpack[Spec]) -> str:
        """Makes a persistent guest that is shut off, or gives one another size; returns its UUID."""
        guest = Guest(name=name, **spec)
        self.virsh("define", self._document(guest))
        return guest.uuid

    def start_guest(self, name: str, *, paused: bool = False, transient: bool = False, **spec: Unpack[Spec]) -> str:
        """Makes a guest and starts it; returns its UUID. A transient guest is forgotten when it ends."""
        guest = Guest(name=name, **spec)
        self.virsh(_start_command(guest, self._document(guest), paused=paused, transient=transient))
        return guest.uuid

    def start_guests(
        self, count: int, *, prefix: str = "guest", timeout: float = 60.0, **size: Unpack[Size]
    ) -> list[str]:
        """Starts `prefix`-1 to `prefix`-`count` with one virsh, which is faster than one for each."""
        guests = [Guest(name=f"{prefix}-{number}", **size) for number in range(1, count + 1)]
        commands = [_start_command(guest, self._document(guest), paused=False, transient=False) for guest in guests]
        self.virsh("; ".join(commands), timeout=timeout)
        return [guest.uuid for guest in guests]

    def migrate(self, name: str, target: "Host", *, bandwidth_mib: int = 0, timeout: float = 60.0) -> None:
        """Moves a running guest to a host that shares the images, live; it is defined there and forgotten here.

        `bandwidth_mib` is the most that is copied in a second, 0 for no bound: how a guest's move is made to last.
        """
        # A plain folder is nothing that libvirt could know to be shared: without --unsafe it refuses.
        how = ["--live", "--p2p", "--persistent", "--undefinesource", "--unsafe"]
        if bandwidth_mib:
            how += ["--bandwidth", str(bandwidth_mib)]
        stream = target.directory / "run" / secrets.token_hex(4)
        self.virsh("migrate", *how, name, target.peer_uri, f"unix://{stream}", timeout=timeout)

    def destroy_guest(self, name: str) -> None:
        """Pulls the plug."""
        self.virsh("destroy", name)

    def undefine(self, name: str) -> None:
        self.virsh("undefine", name)

    def _document(self, guest: Guest) -> str:
        if guest.disk_mib:
            write_sparse(self.images / guest.disk_name, guest.disk_mib)
        if guest.ballast_mib:
            write_noise(self.images / guest.ballast_name, guest.ballast_mib)
        path = self.directory / f"{guest.uuid}.xml"
        path.write_text(guest.xml(self._images_inside))
        return str(path)


def _start_command(guest: Guest, document: str, *, paused: bool, transient: bool) -> str:
    """One line for virsh, which splits a single argument at semicolons and knows the shell's quotes."""
    how = " --paused" if paused else ""
    if transient:
        return f"create {shlex.quote(document)}{how}"
    return f"define {shlex.quote(document)}; start {guest.uuid}{how}"


def _prepare_directory(name: str, host_uuid: str) -> Path:
    directory = Path(tempfile.mkdtemp(prefix=f"devhost-{name}-"))
    if len(str(_socket_of(directory))) > _SOCKET_PATH_LIMIT:
        directory.rmdir()
        raise HostError(f"{_socket_of(directory)} is too long for a unix socket; set TMPDIR to a shorter folder")
    for folder in (*PRIVATE_FOLDERS, "lib/images", "lib/qemu"):
        (directory / folder).mkdir()
    (directory / "etc" / "libvirtd.conf").write_text(LIBVIRTD_CONF.format(host_uuid=host_uuid))
    (directory / "etc" / "qemu.conf").write_text(QEMU_CONF)
    write_firmware(directory / "lib" / Path(FIRMWARE).name)
    return directory


def _socket_of(directory: Path) -> Path:
    return directory / "run" / "libvirt-sock"
