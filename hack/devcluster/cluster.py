"""A real etcd and a real kube-apiserver on free loopback ports, as children of this process."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devcluster import manifests, pods
from devcluster.apiserver import Client, Layout, Ports, apiserver_command, audit_arguments, etcd_command, etcd_ready
from devcluster.audit import AuditLog
from devcluster.certificates import write_certificate
from devcluster.directories import Directory
from devcluster.errors import ClusterError, PortTakenError
from devcluster.pins import APISERVER, ETCD
from devcluster.ports import HOST, free_ports
from devcluster.process import Launcher, Process
from devcluster.programs import Programs, find_programs
from devcluster.progress import Progress, Silent
from devcluster.users import ADMIN, USERS, User, make_tokens, write_kubeconfig, write_signing_key, write_token_file

#: How often ports are chosen anew when somebody else took one between the choice and the bind.
PORT_ATTEMPTS = 5

#: Seconds until a program counts as not coming up. They take one or two on an idle machine.
START_DEADLINE = 60.0


class Cluster:
    """A control plane without controllers, scheduler or nodes: the API, and whatever is written into it.

    Made by `Cluster.start`; a context manager, or call `stop()`. It also ends when the process that started it ends,
    however that happens.
    """

    def __init__(
        self, name: str, programs: Programs, place: Directory, tokens: Mapping[str, str],
        apiserver_args: Sequence[str], address: str = HOST,
    ) -> None:  # fmt: skip
        etcd, peer, apiserver = free_ports(3)
        ports = Ports(etcd, peer, apiserver, address)
        layout = Layout(place.path)
        self.name = name
        self.programs = programs
        self.url = ports.url
        self.etcd_url = ports.etcd_url
        self.directory = place.path
        self.ca_file = layout.ca_file
        self._place = place
        self._layout = layout
        self._tokens = tokens
        self._client = Client(ports.apiserver, layout.ca_file, self.token, address)
        self._launcher = Launcher()
        self.etcd = Process(
            ETCD, etcd_command(programs, layout, ports),
            launcher=self._launcher, log=layout.log(ETCD), ready=lambda: etcd_ready(ports),
        )  # fmt: skip
        self.apiserver = Process(
            APISERVER, [*apiserver_command(programs, layout, ports), *apiserver_args],
            launcher=self._launcher, log=layout.log(APISERVER), ready=self._client.ready,
        )  # fmt: skip

    @classmethod
    def start(  # noqa: PLR0913 - each is an independent choice with a default
        cls,
        name: str | None = None,
        *,
        directory: Path | None = None,
        progress: Progress | None = None,
        audit: bool = False,
        extra_apiserver_args: Sequence[str] = (),
        extra_users: Iterable[User] = (),
        may_build: bool = True,
        seconds: float = START_DEADLINE,
        address: str = HOST,
    ) -> Self:
        """A cluster that is ready.

        name: appears in kubeconfigs. directory: an empty folder of the caller's, who removes it; else one in the
        temporary directory. audit: the server records each request, see `audit_log`. may_build: build missing programs,
        which takes minutes the first time. seconds: the deadline for each of the two programs. address: one of this
        machine's, where the API server listens.

        ProgramMissingError, BuildError, or ProcessError with the end of the log of the program that did not come up.
        """
        name = name or "cluster"
        progress = progress or Silent()
        programs = find_programs(may_build=may_build, progress=progress)
        progress.step(f"starting etcd and kube-apiserver of {name}")
        place = Directory.given(directory) if directory else Directory.make(name)
        try:
            layout = Layout(place.path)
            tokens = _write_credentials(layout, (*USERS, *extra_users))
            write_certificate(layout.ca_file, address)
            arguments = [*(audit_arguments(layout) if audit else ()), *extra_apiserver_args]
            for _ in range(PORT_ATTEMPTS - 1):
                with suppress(PortTakenError):
                    return cls(name, programs, place, tokens, arguments, address).bring_up(seconds)
            return cls(name, programs, place, tokens, arguments, address).bring_up(seconds)
        except Exception:
            place.keep_logs()
            raise
        except BaseException:
            place.remove()
            raise

    def bring_up(self, seconds: float) -> Self:
        """Start both programs; after an error nothing of them is left but their logs."""
        try:
            self.etcd.start(seconds=seconds)
            self.apiserver.start(seconds=seconds)
            for user in self._tokens:
                self._write_kubeconfig(user)
        except BaseException:
            self._end()
            # A later attempt has other ports, and etcd's data remember the old ones.
            shutil.rmtree(self._layout.data, ignore_errors=True)
            raise
        return self

    def stop(self, *, keep_logs: bool = False) -> None:
        """End both programs and remove the folder, or leave the logs in it. Once is enough, more does no harm."""
        self._end()
        if keep_logs:
            self._place.keep_logs()
        else:
            self._place.remove()

    def _end(self) -> None:
        # Killed, not stopped: a graceful end would only save data that are thrown away.
        self.apiserver.kill()
        self.etcd.kill()
        self._launcher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = isinstance(error, Exception)  # Ctrl-C is no failure: it leaves nothing behind
        if failed and error is not None:
            error.add_note(f"the logs of cluster {self.name} are in {self.directory}")
        self.stop(keep_logs=failed)

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self.kubeconfig_for(ADMIN.key)

    def kubeconfig_for(self, user: str) -> Path:
        """The kubeconfig of a user, by key: `admin`, `agent`, `controller`, `nobody`, or one of `extra_users`."""
        self.token_for(user)
        return self._layout.kubeconfig(user)

    def token_on(self, node: str, account: str = "hypertally-agent") -> str:
        """A token as the kubelet mounts it into a Pod of that service account on that node; both objects are made.

        Unlike that of `kubeconfig_for`, it names its node to admission policies. The account must exist.
        """
        self.apply_objects(*pods.objects(node, account))
        return pods.bound_token(self.kubectl, node, account)

    def kubeconfig_on(self, node: str, account: str = "hypertally-agent") -> Path:
        """The kubeconfig of a Pod of that service account on that node."""
        path = self._layout.kubeconfig(pods.pod_name(node, account))
        self._save_kubeconfig(path, account, self.token_on(node, account))
        return path

    @property
    def token(self) -> str:
        """The admin's bearer token."""
        return self.token_for(ADMIN.key)

    def token_for(self, user: str) -> str:
        """The bearer token of a user, by key. The server reads its users at its start, so they are fixed by then."""
        try:
            return self._tokens[user]
        except KeyError:
            known = ", ".join(self._tokens)
            raise ClusterError(f"no user {user!r} in this cluster: there are {known}; more by extra_users") from None

    @property
    def audit_log(self) -> AuditLog:
        """What was asked of the server since its first start; ClusterError unless started with audit=True."""
        if not self._layout.audit_policy.exists():
            raise ClusterError("this cluster keeps no audit log: start it with audit=True")
        return AuditLog(self._layout.audit_log)

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """What kubectl printed, run as the admin; ClusterError with its complaint when it fails."""
        return manifests.run_kubectl(self.programs.kubectl.path, self.kubeconfig, arguments, stdin=stdin)

    def apply(self, *paths: Path) -> None:
        """Apply manifests (files or folders) and wait until the kinds that they define can be used."""
        for path in paths:
            self._apply("-f", path)

    def apply_objects(self, *objects: Mapping[str, Any]) -> None:
        """The same for objects that are at hand."""
        bundle = {"apiVersion": "v1", "kind": "List", "items": objects}
        self._apply("-f", "-", stdin=json.dumps(bundle))

    def delete_definitions(self) -> None:
        """Delete every kind that was defined here, with all objects of it."""
        if found := self.kubectl("get", "customresourcedefinitions", "-o", "name").split():
            # One whose kind nobody has asked for may stay for minutes: see there.
            manifests.wait_until_served(self._client, found)
            self.kubectl("delete", *found)

    def _apply(self, *arguments: str | Path, stdin: str | None = None) -> None:
        applied = self.kubectl("apply", "--server-side", "-o", "name", *arguments, stdin=stdin)
        manifests.wait_until_served(self._client, applied.split())

    def _write_kubeconfig(self, user: str) -> None:
        path = self._layout.kubeconfig(user)
        path.parent.mkdir(exist_ok=True)
        self._save_kubeconfig(path, user, self._tokens[user])

    def _save_kubeconfig(self, path: Path, user: str, token: str) -> None:
        context = f"hypertally-{self.name}"
        write_kubeconfig(path, context=context, url=self.url, ca_file=self.ca_file, user=user, token=token)


def _write_credentials(layout: Layout, users: Sequence[User]) -> dict[str, str]:
    tokens = make_tokens(users)
    write_token_file(layout.tokens, users, tokens)
    write_signing_key(layout.signing_key)
    return tokens
