"""From the release before this one, whatever it was called."""

from pathlib import Path

import pytest
import yaml

from devnodes import previous
from tests.helm.chart import CHART
from tests.helm.installed import HOST, RELEASE, Installed

#: Seconds: each command of Helm takes some on a busy machine.
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("name", ["hypertally", "tally"])
def test_it_becomes_this_one_and_leaves_nothing_behind(either_helm: Installed, tmp_path: Path, name: str) -> None:
    values = ("--set", f"fullnameOverride={name}")
    either_helm.helm("install", *RELEASE, previous.chart(previous.unpack(tmp_path)), "--create-namespace", *values)
    either_helm.put_host()

    either_helm.helm("upgrade", *RELEASE, CHART, *values)

    rendered = either_helm.helm("get", "manifest", *RELEASE)
    expected = {each["metadata"]["name"] for each in yaml.safe_load_all(rendered) if each}
    left = {each.rpartition("/")[2] for each in either_helm.named("tally")}
    assert left <= expected
    assert either_helm.names("computenodes") == {f"computenode.compute.hypertally.dev/{HOST}"}
