"""A token that the kubelet replaces is picked up; a moment without it costs nothing."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from hypertally.kube.errors import AccessError
from hypertally.kube.tokens import ExecToken, FileToken


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def token(tmp_path: Path, clock: Clock) -> FileToken:
    (tmp_path / "token").write_text("first\n")
    return FileToken(tmp_path / "token", clock)


def test_a_replaced_token_is_read_after_a_minute(token: FileToken, clock: Clock) -> None:
    assert token.token() == "first"
    token.path.write_text("second")
    clock.now = 59
    assert token.token() == "first"
    clock.now = 60
    assert token.token() == "second"


def test_a_refused_token_is_read_again_at_once(token: FileToken) -> None:
    token.token()
    token.path.write_text("second")
    token.refused()
    assert token.token() == "second"


def test_while_the_file_is_away_the_last_token_is_used(token: FileToken, clock: Clock) -> None:
    token.token()
    token.path.unlink()
    clock.now = 60
    assert token.token() == "first"


def test_a_token_that_never_was_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=f"token file {tmp_path}/no: No such file"):
        FileToken(tmp_path / "no").token()


def test_an_empty_token_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(AccessError, match="empty is empty"):
        FileToken(tmp_path / "empty").token()


@pytest.mark.parametrize(
    ("content", "said"), [("a\nb", r"character 2 \(U\+000A\)"), ("aé", r"character 2 \(U\+00E9\)")]
)
def test_a_token_that_no_header_can_carry_is_named_and_not_shown(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(AccessError, match=f"^token file {tmp_path}/token: {said} can be in no token: write it anew$"):
        FileToken(tmp_path / "token").token()


@pytest.mark.parametrize("content", ["", "a\nb"])
def test_a_file_that_is_spoilt_meanwhile_leaves_the_last_token(token: FileToken, clock: Clock, content: str) -> None:
    token.token()
    token.path.write_text(content)
    clock.now = 60
    assert token.token() == "first"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"status": {"token": "a\\nb"}}', r"status.token: character 2 \(U\+000A\)"),
        ('{"status": "x"}', "its answer has no status.token"),
        ("[]", "its answer has no status.token"),
        ("nothing", "Expecting value"),
    ],
)
def test_a_credential_plugin_that_answers_nonsense_is_named(answer: str, said: str) -> None:
    with pytest.raises(AccessError, match=f"^credential plugin /bin/sh: {said}"):
        ExecToken(("/bin/sh", "-c", f"printf %s '{answer}'"), {}, "v1").token()
