"""The example scheduler with one thing wrong: `python wrong_scheduler.py SIN`."""

import sys
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from kubernetes import client, config

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "scheduler" / "scheduler.py"

Object = dict[str, Any]


def load() -> Any:
    spec = spec_from_file_location("scheduler", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def does_nothing(module: Any) -> None:
    module.Scheduler.schedule = lambda _: None


def looks_at_cpus_only(module: Any) -> None:
    asks = module.asks
    module.asks = lambda instance: {"vcpus": asks(instance)["vcpus"], "memoryMiB": 0}


def uses_every_host_with_a_ledger(module: Any) -> None:
    module.is_open = lambda node: bool(node.get("status", {}).get("ledger"))


def looks_at_ready_only(module: Any) -> None:
    def is_open(node: Object) -> bool:
        conditions = node.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    module.is_open = is_open


def takes_the_unknown_for_plenty(module: Any) -> None:
    is_open, free = module.is_open, module.Scheduler.free
    module.is_open = lambda node: is_open(node) or not node.get("status", {}).get("ledger")

    def guess(self: Any, node: Object) -> dict[str, int]:
        known = node.get("status", {}).get("ledger")
        return dict(free(self, node)) if known else dict.fromkeys(module.AMOUNTS, 2**20)

    module.Scheduler.free = guess


def assumes_nothing(module: Any) -> None:
    free = module.Scheduler.free

    def without(self: Any, node: Object) -> dict[str, int]:
        mine, self.assumed = self.assumed, {}
        left = dict(free(self, node))
        self.assumed = mine
        return left

    module.Scheduler.free = without


def gives_up_once_refused(module: Any) -> None:
    choose = module.Scheduler.choose
    module.Scheduler.choose = lambda self, asked, refused: None if refused else choose(self, asked, refused)


def binds_without_a_version(module: Any) -> None:
    begin = module.Scheduler.__init__

    def blindly(self: Any, api: Any) -> None:
        patch = api.patch_namespaced_custom_object
        api.patch_namespaced_custom_object = lambda *at, **more: patch(*at[:-1], {"spec": at[-1]["spec"]}, **more)
        begin(self, api)

    module.Scheduler.__init__ = blindly


def lists_only_once(module: Any) -> None:
    follow = module.Scheduler.list

    def once(self: Any, plural: str) -> str:
        if plural in self.known:
            time.sleep(3600)
        return str(follow(self, plural))

    module.Scheduler.list = once


def believes_whatever_comes_last(module: Any) -> None:
    module.newer = lambda _, new: new


SINS: dict[str, Callable[[Any], None]] = {
    sin.__name__: sin
    for sin in (
        does_nothing, looks_at_cpus_only, uses_every_host_with_a_ledger, looks_at_ready_only,
        takes_the_unknown_for_plenty, assumes_nothing, gives_up_once_refused, binds_without_a_version,
        lists_only_once, believes_whatever_comes_last,
    )
}  # fmt: skip

if __name__ == "__main__":
    scheduler = load()
    SINS[sys.argv[1]](scheduler)
    config.load_config()  # type: ignore[no-untyped-call]
    scheduler.Scheduler(client.CustomObjectsApi()).run()
