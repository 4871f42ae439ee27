"""An uninstall that cannot end the agents first: it takes nothing away, and there are ways on."""

from collections.abc import Iterator

import pytest

from tests.helm.chart import CHART, NAMESPACE
from tests.helm.installed import RELEASE, Installed

#: Seconds: each command of Helm takes some on a busy machine.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def stuck(either_helm: Installed) -> Iterator[Installed]:
    """On this server nothing runs, so the job never ends."""
    either_helm.helm("install", *RELEASE, CHART, "--create-namespace")
    assert either_helm.try_("uninstall", *RELEASE, "--timeout", "2s").returncode != 0
    yield either_helm
    either_helm.cluster.kubectl("delete", "jobs", "--all", "--namespace", NAMESPACE)


def test_it_takes_nothing_away_and_an_upgrade_does_not_bring_it_back(stuck: Installed) -> None:
    assert stuck.status() == "uninstalling"
    assert {"daemonset.apps/hypertally-agent", "deployment.apps/hypertally-controller"} <= set(
        stuck.named("hypertally")
    )

    done = stuck.try_("upgrade", *RELEASE, CHART)

    assert done.returncode != 0
    assert '"hypertally" has no deployed releases' in done.stderr


def test_a_rollback_to_the_last_revision_keeps_the_release(stuck: Installed) -> None:
    before = stuck.named("hypertally")
    stuck.cluster.kubectl("delete", "daemonset", "hypertally-agent", "--namespace", NAMESPACE)

    stuck.helm("rollback", "hypertally", "1", "--namespace", NAMESPACE)

    assert (stuck.status(), stuck.named("hypertally")) == ("deployed", before)


def test_without_its_hooks_it_leaves_only_a_job_that_goes_by_itself(stuck: Installed) -> None:
    stuck.helm("uninstall", *RELEASE, "--no-hooks")

    assert stuck.named("hypertally") == []
    assert stuck.names("jobs", "pods") == {"job.batch/hypertally-retire"}
    lives = stuck.cluster.kubectl(
        "get", "job", "hypertally-retire", "--namespace", NAMESPACE, "-o", "jsonpath={.spec.ttlSecondsAfterFinished}"
    )
    assert lives == "3600"
