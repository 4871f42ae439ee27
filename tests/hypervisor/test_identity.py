"""Which host it is; a host that does not say so is refused in one line."""

import pytest

from hypertally.hypervisor.errors import IdentityUnknown
from hypertally.hypervisor.facts import Unread
from hypertally.hypervisor.identity import Identity, identity
from tests.support.snapshots import HOST_UUID, snapshot


def test_the_uuid_is_libvirts_in_lower_case_and_the_name_as_it_is() -> None:
    told = f"<capabilities><host><uuid> {HOST_UUID.upper()} </uuid></host></capabilities>"
    assert identity(snapshot(capabilities=told)) == Identity(HOST_UUID, "hv1.example")


def test_a_test_host_has_no_uuid_and_gets_one_that_stays_with_uri_and_machine() -> None:
    bare = "<capabilities><host/></capabilities>"
    first = identity(snapshot(driver="TEST", uri="test:///default", capabilities=bare))
    again = identity(snapshot(driver="TEST", uri="test:///default", capabilities=bare))
    other_uri = identity(snapshot(driver="TEST", uri="test:///other.xml", capabilities=bare))
    other_machine = identity(snapshot(driver="TEST", uri="test:///default", hostname="hv2", capabilities=bare))
    assert first == again
    assert len({first.host_uuid, other_uri.host_uuid, other_machine.host_uuid}) == 3


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"capabilities": "<capabilities><host/></capabilities>"}, "host UUID '' is none; set host_uuid"),
        ({"capabilities": "<capabilities><host><uuid>x</uuid></host></capabilities>"}, "host UUID 'x' is none"),
        ({"capabilities": "<capabilities>"}, "the capabilities cannot be read"),
        ({"capabilities": Unread("refused")}, r"no capabilities \(refused\)"),
        ({"hostname": Unread("refused")}, r"no host name \(refused\)"),
        ({"hostname": ""}, "host name '' cannot be used; set one of printable ASCII"),
        ({"hostname": "hü"}, "host name 'hü' cannot be used"),
        ({"hostname": "h" * 254}, "cannot be used"),
    ],
)
def test_a_host_that_does_not_say_which_it_is_is_refused(changed: dict[str, object], reason: str) -> None:
    with pytest.raises(IdentityUnknown, match=f"^qemu:///system: .*{reason}"):
        identity(snapshot(**changed))
