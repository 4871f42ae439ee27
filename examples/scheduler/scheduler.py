"""A scheduler for Instances, as short as a right one can be. docs/schedulers.md is the contract that it keeps.

    pip install kubernetes && python scheduler.py        # $KUBECONFIG, ~/.kube/config, or the Pod's service account

It binds each Instance to the host with the most free memory. Any number of them may run: the ledgers decide.
"""

import logging
import queue
import random
import threading
import time
from contextlib import suppress
from typing import Any

from kubernetes import client, config, watch
from urllib3.exceptions import HTTPError

GROUP, VERSION, NODES, INSTANCES = "compute.hypertally.dev", "v1alpha1", "computenodes", "instances"
AMOUNTS = ("vcpus", "pcpus", "memoryMiB", "diskMiB")
PAGE, WATCH_SECONDS, SILENCE_SECONDS, ANSWER_SECONDS, ASSUMED_SECONDS = 500, 240, 90, 30, 60
GONE, TOO_LATE = 410, (404, 409, 422)

Object = dict[str, Any]
log = logging.getLogger("scheduler")


def asks(instance: Object) -> dict[str, int]:
    """What a host is charged. Cells and devices are the host's choice: where it has none left, it refuses."""
    size, placement = instance["spec"]["resources"], instance["spec"].get("placement", {})
    cpus = "pcpus" if placement.get("cpuPolicy") == "Dedicated" else "vcpus"
    disk = sum(size.get(part, 0) for part in ("rootDiskMiB", "ephemeralDiskMiB", "swapMiB"))
    return {cpus: size["vcpus"], "memoryMiB": size["memoryMiB"], "diskMiB": disk}


def is_open(node: Object) -> bool:
    """What does not say yes says no: without Ready, or with a ledger that lags behind, a host has no capacity."""
    meta, spec, status = node["metadata"], node["spec"], node.get("status", {})
    report, ledger = status.get("report"), status.get("ledger")
    if not report or not ledger or "deletionTimestamp" in meta:
        return False
    seen = (ledger["observedReportGeneration"], ledger["observedGeneration"])
    is_ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    is_wanted = spec.get("schedulable", "Enabled") == "Enabled" and "maintenance" not in spec
    return is_ready and is_wanted and seen == (report["generation"], meta["generation"])


def newer(old: Object | None, new: Object) -> Object:
    """Both numbers of one object only grow: a version with a lesser one comes from a server that is behind."""
    was, now = [
        [obj.get("status", {}).get(part, {}).get("generation", 0) for part in ("report", "ledger")] if obj else [0, 0]
        for obj in (old, new)
    ]
    return old if old and any(a > b for a, b in zip(was, now, strict=True)) else new


class Scheduler:
    def __init__(self, api: client.CustomObjectsApi) -> None:
        self.api = api
        self.events: queue.Queue[tuple[str, str, Any]] = queue.Queue(maxsize=10_000)
        self.known: dict[str, dict[str, Object]] = {}  # by uid; without a full list of both nothing is decided
        self.assumed: dict[str, tuple[str, dict[str, int], float]] = {}  # Instance's uid: host, what it asks, until

    def run(self) -> None:
        for plural in (NODES, INSTANCES):
            threading.Thread(target=self.follow, args=(plural,), daemon=True).start()
        while True:
            with suppress(queue.Empty):  # assumptions run out also while nothing happens
                self.take(*self.events.get(timeout=1))
            if self.events.empty() and len(self.known) == len((NODES, INSTANCES)):
                self.schedule()

    def follow(self, plural: str) -> None:
        """List in pages, watch from there; when the server's history no longer reaches back (410), list again."""
        while True:
            try:
                version = self.list(plural)
                while True:
                    version = self.watch(plural, version)
            except (client.ApiException, HTTPError) as error:
                if getattr(error, "status", None) != GONE:
                    log.warning("%s: %s", plural, error)
                time.sleep(random.uniform(0.1, 1))  # noqa: S311

    def list(self, plural: str) -> str:
        items: list[Object] = []
        more: dict[str, str] = {}
        while True:
            page = self.api.list_cluster_custom_object(
                GROUP, VERSION, plural, limit=PAGE, _request_timeout=ANSWER_SECONDS, **more
            )
            items += page["items"]
            if not page["metadata"].get("continue"):
                self.events.put((plural, "LISTED", items))  # at once: until it is whole, what was known stays
                return str(page["metadata"]["resourceVersion"])
            more = {"_continue": page["metadata"]["continue"]}

    def watch(self, plural: str, version: str) -> str:
        what = {"resource_version": version, "allow_watch_bookmarks": True, "timeout_seconds": WATCH_SECONDS}
        deadline = {"_request_timeout": (ANSWER_SECONDS, SILENCE_SECONDS)}
        every = self.api.list_cluster_custom_object
        for event in watch.Watch().stream(every, GROUP, VERSION, plural, **what, **deadline):
            version = event["object"]["metadata"]["resourceVersion"]
            self.events.put((plural, event["type"], event["object"]))
        return version

    def take(self, plural: str, type_: str, found: Any) -> None:
        if type_ == "LISTED":
            old = self.known.get(plural, {})
            self.known[plural] = {o["metadata"]["uid"]: newer(old.get(o["metadata"]["uid"]), o) for o in found}
        elif type_ == "DELETED":
            self.known[plural].pop(found["metadata"]["uid"], None)
        elif type_ != "BOOKMARK":
            uid = found["metadata"]["uid"]
            self.known[plural][uid] = newer(self.known[plural].get(uid), found)

    def schedule(self) -> None:
        self.forget()
        for instance in sorted(self.known[INSTANCES].values(), key=lambda each: each["metadata"]["creationTimestamp"]):
            status, bound = instance.get("status", {}), instance["spec"].get("computeNodeName")
            refused = status.get("refusedComputeNodeName")
            is_waiting = not status.get("computeNodeName") and bound in (None, refused)
            is_assumed = instance["metadata"]["uid"] in self.assumed
            if is_waiting and not is_assumed and (best := self.choose(asks(instance), refused)):
                self.bind(instance, best)

    def forget(self) -> None:
        """An assumption ends when both watches have told of it, when it is refused, and after a time in any case."""
        claimed = {
            (claim["instanceUID"], node["metadata"]["name"])
            for node in self.known[NODES].values()
            for claim in node.get("status", {}).get("ledger", {}).get("claims", [])
        }
        for uid, (name, _, until) in list(self.assumed.items()):
            instance = self.known[INSTANCES].get(uid)
            is_refused = instance is None or instance.get("status", {}).get("refusedComputeNodeName") == name
            is_shown = (uid, name) in claimed and instance and instance["spec"].get("computeNodeName") == name
            if is_shown or is_refused or time.monotonic() > until:
                del self.assumed[uid]

    def choose(self, asked: dict[str, int], refused: str | None) -> str | None:
        free = {node["metadata"]["name"]: self.free(node) for node in self.known[NODES].values() if is_open(node)}
        fit = [n for n, left in free.items() if n != refused and all(left[a] >= asked[a] for a in asked if asked[a])]
        return max(fit, key=lambda name: (free[name]["memoryMiB"], name), default=None)

    def free(self, node: Object) -> dict[str, int]:
        """For one more guest: less what is assumed, and what the hypervisor takes for each guest."""
        mine = [what for name, what, _ in self.assumed.values() if name == node["metadata"]["name"]]
        left = {a: node["status"]["ledger"]["free"][a] - sum(what.get(a, 0) for what in mine) for a in AMOUNTS}
        left["memoryMiB"] -= node["spec"].get("guestOverhead", {}).get("memoryMiB", 0) * (len(mine) + 1)
        return left

    def bind(self, instance: Object, node: str) -> None:
        """Only in the version that was decided on: who comes second gets a 409, and sees the newer one soon."""
        meta = instance["metadata"]
        self.assumed[meta["uid"]] = (node, asks(instance), time.monotonic() + ASSUMED_SECONDS)
        body = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "spec": {"computeNodeName": node}}
        place = (GROUP, VERSION, meta["namespace"], INSTANCES, meta["name"])
        try:
            self.api.patch_namespaced_custom_object(*place, body, _request_timeout=ANSWER_SECONDS)
            log.info("%s/%s: bound to %s", meta["namespace"], meta["name"], node)
        except (client.ApiException, HTTPError) as error:
            log.info("%s/%s: not bound to %s: %s", meta["namespace"], meta["name"], node, error)
            if getattr(error, "status", None) in TOO_LATE:  # else it may be bound all the same: assumed until known
                del self.assumed[meta["uid"]]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config.load_config()
    Scheduler(client.CustomObjectsApi()).run()
