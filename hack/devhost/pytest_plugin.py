"""Fixtures for whoever tests against a real libvirt host. A machine that cannot run one is an error, never a skip."""

from collections.abc import Generator, Iterator

import pytest

from .host import Host

_SHARED = pytest.StashKey[Host]()
_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def host(pytestconfig: pytest.Config) -> Iterator[Host]:
    """One private host for the whole session: leave no guest on it, and do not kill it."""
    with Host.start(name="hv-session") as running:
        pytestconfig.stash[_SHARED] = running
        yield running
        del pytestconfig.stash[_SHARED]


@pytest.fixture
def own_host() -> Iterator[Host]:
    """A private host for one test, to be frozen, killed or filled."""
    with Host.start(name="hv-own") as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = report.failed or item.stash.get(_FAILED, False)
    return report


@pytest.fixture(autouse=True)
def no_guest_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The next test would count what a failed one left on the shared host; one that passed cleans up itself."""
    shared = request.config.stash.get(_SHARED, None)
    if shared is None:
        yield
        return
    before = shared.guests()
    yield
    left = [name for name in sorted(shared.guests() - before) if shared.remove_guest(name)]
    if left and not request.node.stash.get(_FAILED, False):
        pytest.fail(f"it left on the shared host: {', '.join(left)}; remove them, or take own_host", pytrace=False)
