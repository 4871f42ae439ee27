"""What a controller says of itself: /readyz and the metric of the same name agree."""

import time
from typing import TYPE_CHECKING, cast

from hypertally.controller.controller import Controller
from hypertally.controller.settings import Settings

if TYPE_CHECKING:
    from hypertally.kube.aio import AsyncKubeClient


def synced() -> Controller:
    """One that has listed everything a moment ago, and asks nobody anything."""
    controller = Controller(cast("AsyncKubeClient", None), Settings())
    controller._synced = True
    controller._nodes.heard_at = controller._leases.heard_at = time.monotonic()
    return controller


def shown(controller: Controller) -> float | None:
    return controller.metrics.registry.get_sample_value("hypertally_controller_ready")


def test_before_the_first_full_lists_it_is_not_ready() -> None:
    controller = Controller(cast("AsyncKubeClient", None), Settings())
    assert controller.complaints_ready() == ["the first full lists are not complete"]
    assert shown(controller) == 0


def test_afterwards_it_is_whether_it_leads_or_stands_by() -> None:
    controller = synced()
    assert controller.complaints_ready() == []
    assert shown(controller) == 1


def test_what_keeps_it_from_the_lead_keeps_it_from_being_ready() -> None:
    controller = synced()
    controller.standing = lambda: ["it cannot stand for the Lease"]
    assert controller.complaints_ready() == ["it cannot stand for the Lease"]
    assert shown(controller) == 0


def test_what_keeps_it_from_hearing_of_instances_keeps_it_from_being_ready() -> None:
    controller = synced()
    controller.hearing = lambda: ["the watch has ended 3 times in a row"]
    assert controller.complaints_ready() == ["the watch has ended 3 times in a row"]
    assert shown(controller) == 0
