"""XML from a host is foreign input: no entity, no DTD, no file, no network, no crash."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypertally.hypervisor.xml import MAX_CHARACTERS, UnreadableXml, parse

BOMB = "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><d>&b;</d>"
OUTSIDE = "<!DOCTYPE d SYSTEM 'http://192.0.2.1/d.dtd'><d/>"
LOCAL_FILE = "<!DOCTYPE d [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><d>&f;</d>"


def test_a_plain_document_is_read() -> None:
    assert parse("<domain><vcpu>4</vcpu></domain>").findtext("vcpu") == "4"


@pytest.mark.parametrize("document", [BOMB, OUTSIDE, LOCAL_FILE, "<!DOCTYPE d><d/>"])
def test_a_document_with_a_dtd_is_refused(document: str) -> None:
    with pytest.raises(UnreadableXml, match="DTDForbidden"):
        parse(document)


@pytest.mark.parametrize("document", ["", "<", "<a></b>", "<a/><b/>", "\0", "<a>\ud800</a>", "<a>&x;</a>"])
def test_a_broken_document_is_refused_in_one_line(document: str) -> None:
    with pytest.raises(UnreadableXml) as refusal:
        parse(document)
    assert "\n" not in str(refusal.value)


def test_a_document_beyond_libvirts_own_bound_is_refused() -> None:
    with pytest.raises(UnreadableXml, match="is beyond"):
        parse("<a>" + "x" * MAX_CHARACTERS + "</a>")


def test_deep_nesting_is_read_without_a_crash() -> None:
    depth = 50_000
    assert parse("<a>" * depth + "</a>" * depth).tag == "a"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UnreadableXml):
        parse(text)
