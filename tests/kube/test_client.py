"""The port's errors: typed, one line each, naming the thing and the remedy."""

import socket
from pathlib import Path
from typing import cast

import pytest

from hypertally.kube.access import Access, Trust
from hypertally.kube.client import KubeClient, Timeouts
from hypertally.kube.errors import (
    AccessError,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    KindMissing,
    KubeError,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from hypertally.kube.kinds import COMPUTE_NODE, LEASE, Ref
from hypertally.kube.tokens import FileToken, StaticToken

from .conftest import Answer, Serve, obj, status

NODE = Ref(COMPUTE_NODE, "n1")
PATIENT, QUICK = Timeouts(connect=30.0, read=30.0), Timeouts(connect=0.2, read=0.2)
"""For what answers, however slow the machine is, and for what never does."""


def client(url: str, timeouts: Timeouts = PATIENT) -> KubeClient:
    return KubeClient(Access(url, "test", tokens=StaticToken("t")), "tester", timeouts)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (status(400), BadRequest, "said so"),
        (status(401), Unauthorized, "does not accept these credentials (said so): renew the token or log in"),
        (
            status(403, "u cannot patch resource"),
            Forbidden,
            "u cannot patch resource: a ClusterRole or Role",
        ),
        (status(403, "ValidatingAdmissionPolicy 'p' denied request: not yours"), Forbidden, "request: not yours"),
        (status(404, "n1 not found", name="n1", kind="computenodes"), NotFound, "n1 not found"),
        (status(404), KindMissing, "the CRDs are not installed: kubectl apply --server-side -f crds/"),
        ((404, {}, b"404 page not found\n"), KindMissing, "has no computenodes in compute.hypertally.dev/v1alpha1"),
        (status(404, name="ns", kind="namespaces"), NotFound, "said so: kubectl create namespace ns"),
        (status(409), Conflict, "said so"),
        (status(422, "generation must\n be one more"), Invalid, "generation must be one more"),
        (status(429, retryAfterSeconds=7), TooManyRequests, "said so"),
        (status(500), ServerError, "said so"),
        ((503, {}, b"<html>"), ServerError, "the API server answered 503"),
        ((200, {}, b"<html>hello"), ServerError, "something that is no object: <html>hello"),
    ],
)
def test_each_refusal_has_a_type_and_one_line(serve: Serve, answer: Answer, error: type[KubeError], said: str) -> None:
    with pytest.raises(error) as caught:
        client(serve(answer).url).touch(NODE)
    assert type(caught.value) is error
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (status(429, headers={"Retry-After": "3"}, retryAfterSeconds=9), 3.0),
        (status(429, retryAfterSeconds=9), 9.0),
        (status(503, headers={"Retry-After": "Sun, 22 Nov 2026 00:00:00 GMT"}), None),
        (status(429), None),
    ],
)
def test_how_long_the_server_asks_to_wait_is_kept(serve: Serve, answer: Answer, seconds: float | None) -> None:
    with pytest.raises(KubeError) as caught:
        client(serve(answer).url).touch(NODE)
    assert caught.value.retry_after == seconds


def test_who_deletes_the_kinds_is_not_told_to_grant_rights(serve: Serve) -> None:
    said = "create not allowed while custom resource definition is terminating"
    with pytest.raises(Forbidden, match=f"{said}$"):
        client(serve(status(403, said)).url).touch(NODE)


def test_an_apply_names_its_manager_and_forces_its_own_fields(serve: Serve) -> None:
    server = serve(obj())
    client(server.url).apply(Ref(LEASE, "a b", "ns"), {"spec": {}}, "status")
    [(method, path, headers, body)] = server.requests
    lease = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/a%20b/status"
    assert (method, path) == ("PATCH", f"{lease}?fieldManager=tester&force=true&fieldValidation=Warn")
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    assert headers["Authorization"] == "Bearer t"
    assert body == b'{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":{}}'


def test_a_touch_is_an_empty_merge_patch(serve: Serve) -> None:
    server = serve(obj(metadata={"uid": "u"}))
    assert client(server.url).touch(NODE, "status") == {"metadata": {"uid": "u"}}
    [(_, path, headers, body)] = server.requests
    assert path.startswith("/apis/compute.hypertally.dev/v1alpha1/computenodes/n1/status?")
    assert (headers["Content-Type"], body) == ("application/merge-patch+json", b"{}")


def test_a_list_can_be_narrowed_by_a_field(serve: Serve) -> None:
    server = serve(obj(items=[{"a": 1}]))
    assert client(server.url).list(COMPUTE_NODE, field_selector="spec.nodeName=n1") == [{"a": 1}]
    assert server.requests[0][1].endswith("/computenodes?fieldSelector=spec.nodeName%3Dn1")


def test_a_token_replaced_meanwhile_is_read_again_and_the_request_repeated(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    tokens = FileToken(path)
    tokens.token()
    path.write_text("new")
    server = serve(status(401), obj())
    KubeClient(Access(server.url, "test", tokens=tokens), "tester", PATIENT).get(NODE)
    assert [headers["Authorization"] for _, _, headers, _ in server.requests] == ["Bearer old", "Bearer new"]


def test_a_request_is_never_sent_again_by_itself(serve: Serve) -> None:
    server = serve(status(503))
    with pytest.raises(ServerError):
        client(server.url).get(NODE)
    assert len(server.requests) == 1


class TestUnreachable:
    """Whatever keeps an answer away is one error type that says how."""

    def said(self, url: str, timeouts: Timeouts = PATIENT) -> str:
        with pytest.raises(Unreachable) as caught:
            client(url, timeouts).get(NODE)
        return str(caught.value)

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        assert self.said(f"http://127.0.0.1:{port}") == (
            f"API server http://127.0.0.1:{port} (test): Connection refused"
        )

    def test_a_server_that_hangs_is_left_after_the_deadline(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = mute.getsockname()[1]
            assert self.said(f"http://127.0.0.1:{port}", QUICK).endswith("no answer within 0.2 s")

    def test_an_unknown_name(self) -> None:
        assert self.said("http://no-such-host.invalid").endswith("its name cannot be resolved")

    def test_something_else_that_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = cast("int", mute.getsockname()[1])
            assert "no answer within" in self.said(f"https://127.0.0.1:{port}", QUICK)

    def test_a_server_without_tls(self, serve: Serve) -> None:
        assert "SSL" in self.said(serve(obj()).url.replace("http:", "https:"))


def test_a_ca_file_that_is_not_there_is_the_users_to_mend() -> None:
    access = Access("https://127.0.0.1:1", "kubeconfig x", Trust(ca_file=Path("/no/ca.crt")))
    with pytest.raises(AccessError, match="kubeconfig x: its certificates cannot be used: No such file"):
        KubeClient(access, "tester")
