"""A kubeconfig is read as the official client reads it, and a wrong one is answered with one line."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from hypertally.kube.access import Access, Certificate, find_access
from hypertally.kube.errors import AccessError
from hypertally.kube.kubeconfig import read_kubeconfig

OTHER, TWO_LINES, UMLAUT = "other", "a\nb", "ä"
PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()


def kubeconfig(**user: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "c1", "user": "u1"}},
            {"name": "there", "context": {"cluster": "c2", "user": "u1"}},
        ],
        "clusters": [
            {"name": "c1", "cluster": {"server": "https://one:6443/", "insecure-skip-tls-verify": True}},
            {"name": "c2", "cluster": {"server": "https://two:6443", "certificate-authority": "ca.crt"}},
        ],
        "users": [{"name": "u1", "user": user or {"token": "s3cret"}}],
    }


def written(folder: Path, document: Any, name: str = "config") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return path


def refusal(path: Path, context: str = "") -> str:
    with pytest.raises(AccessError) as caught:
        read_kubeconfig([path], context)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_current_context_is_taken(tmp_path: Path) -> None:
    access = read_kubeconfig([written(tmp_path, kubeconfig())])
    assert (access.server, access.tokens.token(), access.trust.insecure) == ("https://one:6443", "s3cret", True)


def test_the_namespace_of_the_context_is_told_where_it_has_one(tmp_path: Path) -> None:
    document = kubeconfig()
    document["contexts"][1]["context"]["namespace"] = "guests"
    path = written(tmp_path, document)
    assert (read_kubeconfig([path]).namespace, read_kubeconfig([path], "there").namespace) == ("", "guests")


def test_a_named_context_is_taken_instead_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    access = read_kubeconfig([written(tmp_path, kubeconfig())], "there")
    assert (access.server, access.trust.ca_file) == ("https://two:6443", tmp_path / "ca.crt")


@pytest.mark.parametrize("context", ["here", "there"])
def test_the_official_client_reads_the_same(tmp_path: Path, context: str) -> None:
    (tmp_path / "ca.crt").write_text("x")
    path = written(tmp_path, kubeconfig())
    theirs = client.Configuration()
    config.load_kube_config(str(path), context, client_configuration=theirs)  # type: ignore[no-untyped-call]
    ours = read_kubeconfig([path], context)
    assert ours.server == theirs.host
    assert f"Bearer {ours.tokens.token()}" in theirs.api_key.values()
    assert ours.trust.insecure is not theirs.verify_ssl


def test_several_files_are_merged_and_the_first_to_name_a_thing_wins(tmp_path: Path) -> None:
    second = kubeconfig(token=OTHER)
    second["contexts"].append({"name": "third", "context": {"cluster": "c1", "user": "u1"}})
    paths = [written(tmp_path, kubeconfig(), "a"), written(tmp_path, second, "b")]
    assert read_kubeconfig(paths, "third").tokens.token() == "s3cret"


def test_a_file_of_the_list_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    paths = [tmp_path / "absent", written(tmp_path, kubeconfig())]
    assert read_kubeconfig(paths).server == "https://one:6443"


def test_a_token_file_is_preferred_to_a_token(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("fresh\n")
    access = read_kubeconfig([written(tmp_path, kubeconfig(token=OTHER, tokenFile="t"))])
    assert access.tokens.token() == "fresh"


def test_a_client_certificate_inside_the_file_is_taken(tmp_path: Path) -> None:
    access = read_kubeconfig(
        [written(tmp_path, kubeconfig(**{"client-certificate-data": PEM, "client-key-data": PEM}))]
    )
    text = "-----BEGIN CERTIFICATE-----\n"
    assert access.certificate == Certificate(text, text)


def test_an_unusable_certificate_is_named_by_its_configuration(tmp_path: Path) -> None:
    path = written(tmp_path, kubeconfig(**{"client-certificate-data": PEM, "client-key-data": PEM}))
    with pytest.raises(AccessError, match=r"config, context here: its certificates cannot be used"):
        read_kubeconfig([path]).ssl_context()


def test_a_credential_plugin_is_asked_for_the_token(tmp_path: Path) -> None:
    answer = json.dumps({"status": {"token": "from-plugin", "expirationTimestamp": "2999-01-01T00:00:00Z"}})
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\necho '{answer}'\n")
    plugin.chmod(0o755)
    tokens = read_kubeconfig([written(tmp_path, kubeconfig(exec={"command": "./plugin"}))]).tokens
    assert [tokens.token(), tokens.token()] == ["from-plugin"] * 2
    assert (tmp_path / "runs").read_text() == "run\n"
    tokens.refused()
    assert tokens.token() == "from-plugin"
    assert (tmp_path / "runs").read_text() == "run\n" * 2


def test_a_missing_credential_plugin_is_told_with_its_install_hint(tmp_path: Path) -> None:
    plugin = {"command": "no-such-plugin", "installHint": "get it\nfrom there"}
    tokens = read_kubeconfig([written(tmp_path, kubeconfig(exec=plugin))]).tokens
    with pytest.raises(AccessError, match="no-such-plugin is not installed: get it from there"):
        tokens.token()


@pytest.mark.parametrize(
    ("document", "context", "said"),
    [
        ("a: [", "", "is no YAML"),
        ("just text", "", "holds no kubeconfig"),
        ({"contexts": [], "clusters": []}, "", "has no current-context: name one of none with --context"),
        (kubeconfig(), "absent", "has no context 'absent': it has here, there"),
        (kubeconfig() | {"clusters": []}, "", "has no cluster 'c1': it has none"),
        (kubeconfig() | {"users": []}, "", "has no user 'u1': it has none"),
        (kubeconfig() | {"clusters": [{"name": "c1", "cluster": {"server": "one"}}]}, "", "server 'one' is no address"),
        (kubeconfig() | {"clusters": ["c1"]}, "", "clusters holds an entry that is no cluster"),
        (kubeconfig(username="me", password=OTHER), "", "username is not supported"),
        (kubeconfig(exec={}, token=OTHER) | {"contexts": [{"name": "here", "context": {}}]}, "", "names no cluster"),
        (kubeconfig(exec={"args": ["x"]}), "", "exec names no command"),
        (kubeconfig(exec="foo"), "", "exec is no mapping: it needs at least a command"),
        (kubeconfig(exec={"command": "x", "args": 5}), "", "exec: args is no list"),
        (kubeconfig(exec={"command": "x", "env": [{"name": "A"}]}), "", "exec: env holds an entry that is no variable"),
        (kubeconfig(token=TWO_LINES), "", "token: character 2 (U+000A) can be in no token: write it anew"),
        (kubeconfig(token=UMLAUT), "", "token: character 1 (U+00E4) can be in no token"),
        (kubeconfig() | {"contexts": 5}, "", "contexts is no list: write each entry behind a '-'"),
        (kubeconfig() | {"users": {"u1": {}}}, "", "users is no list"),
        ("current-context: 2026-13-45", "", "is no YAML: month must be in 1..12"),
        (kubeconfig(**{"client-key-data": PEM}), "", "stand together or not at all"),
        (kubeconfig(**{"client-key-data": "ä"}), "", "client-key-data is no base64"),
    ],
)
def test_a_wrong_kubeconfig_is_answered_with_one_line_naming_it(
    tmp_path: Path, document: Any, context: str, said: str
) -> None:
    path = written(tmp_path, document)
    message = refusal(path, context)
    assert said in message
    assert str(path) in message


@pytest.mark.parametrize(
    "address",
    [
        "bogus", "ftp://a", "https://", "https://[::1", "https://[::x]", "http://a..b", f"http://{'a' * 64}",
        "https://a:65536", "https://a:0", "https://a:x", "https://a b", "https://a\nb", "https://a;b",
    ],
)  # fmt: skip
def test_what_nobody_could_connect_to_is_no_address_of_a_server_or_a_proxy(tmp_path: Path, address: str) -> None:
    for field in ("server", "proxy-url"):
        document = kubeconfig()
        document["clusters"][0]["cluster"][field] = address
        message = refusal(written(tmp_path, document))
        assert f"config: {field} {address!r} is no address (" in message
        assert message.endswith("://host:port is expected")


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1:80", "https://[fe80::1%eth0]:6443", "http://a_b.c.", "https://ä.de"]
)
def test_what_somebody_may_connect_to_is_taken_as_it_is(tmp_path: Path, address: str) -> None:
    document = kubeconfig()
    document["clusters"][0]["cluster"] |= {"server": address, "proxy-url": address}
    access = read_kubeconfig([written(tmp_path, document)])
    assert (access.server, access.proxy) == (address, address)


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    document = kubeconfig()
    document["clusters"][0]["cluster"]["proxy-url"] = "http://me:s3cret@a..b"
    assert "proxy-url 'http://…@a..b' is no address" in refusal(written(tmp_path, document))


def test_a_missing_kubeconfig_is_answered_with_its_path_and_the_flag(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no") == (
        f"kubeconfig {tmp_path}/no: No such file or directory; name another with --kubeconfig"
    )


class TestWhereAccessIsLookedFor:
    """The flag, then $KUBECONFIG, then the Pod's own account, then the home directory."""

    def account(self, folder: Path) -> Path:
        (folder / "token").write_text("pod-token")
        (folder / "ca.crt").write_text("x")
        return folder

    def find(self, folder: Path, **environ: str) -> Access:
        return find_access(environ=environ, account=self.account(folder))

    def test_the_environment_comes_before_the_pod(self, tmp_path: Path) -> None:
        path = str(written(tmp_path, kubeconfig()))
        found = self.find(tmp_path, KUBECONFIG=path, KUBERNETES_SERVICE_HOST="10.0.0.1", KUBERNETES_SERVICE_PORT="443")
        assert found.server == "https://one:6443"

    def test_in_a_pod_its_service_account_is_used(self, tmp_path: Path) -> None:
        found = self.find(tmp_path, KUBERNETES_SERVICE_HOST="fd00::1", KUBERNETES_SERVICE_PORT="443")
        assert (found.server, found.tokens.token()) == ("https://[fd00::1]:443", "pod-token")
        assert found.trust.ca_file == tmp_path / "ca.crt"

    def test_elsewhere_the_home_directory_is_looked_at(self, tmp_path: Path) -> None:
        (tmp_path / ".kube").mkdir()
        written(tmp_path / ".kube", kubeconfig())
        assert self.find(tmp_path, HOME=str(tmp_path)).server == "https://one:6443"

    def test_a_pod_whose_port_is_none_is_told_the_variables(self, tmp_path: Path) -> None:
        with pytest.raises(AccessError, match=r"PORT: server 'https://10.0.0.1:70000' is no address"):
            self.find(tmp_path, KUBERNETES_SERVICE_HOST="10.0.0.1", KUBERNETES_SERVICE_PORT="70000")

    def test_a_pod_without_a_token_is_told_the_remedy(self, tmp_path: Path) -> None:
        environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
        with pytest.raises(AccessError, match="automountServiceAccountToken: true, or use --kubeconfig"):
            find_access(environ=environ, account=tmp_path)
