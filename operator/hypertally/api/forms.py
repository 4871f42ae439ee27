"""Forms of text in the schema that writers have to keep; a test compares them with the CRDs' patterns."""

import re

WORD = re.compile(r"^[-A-Za-z0-9_.:/,+=@*]+$")
CPU_SET = re.compile(r"^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$")
PCI_ADDRESS = re.compile(r"^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$")
PCI_ID = re.compile(r"^[0-9a-f]{4}$")
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
PLAIN = re.compile("^[^\\x00-\\x1f\\x7f-\\x9f<>&\u2028\u2029]+$")
"""Text of one line that is safe to show. Go writes `<`, `>`, `&` and line separators as six bytes each."""

TAG_KEY = re.compile(r"^[A-Za-z0-9_.-]{1,64}$")
TAG_VALUE = re.compile(r"^([-A-Za-z0-9_.:/,+=@*]([-A-Za-z0-9_.:/,+=@* ]*[-A-Za-z0-9_.:/,+=@*])?)?$")

_NOT_PLAIN = re.compile("[\\x00-\\x1f\\x7f-\\x9f<>&\u2028\u2029]")
_NOT_WORD = re.compile(r"[^-A-Za-z0-9_.:/,+=@*]")


def has_form(form: re.Pattern[str], text: str, limit: int) -> bool:
    """`text` is of `form`, and at most `limit` characters long."""
    return len(text) <= limit and form.fullmatch(text) is not None


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; what is cut ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plain(text: str, limit: int) -> str:
    """`text` with question marks for what is not PLAIN, cut; one of them for an empty one."""
    return cut(_NOT_PLAIN.sub("?", text), limit) or "?"


def word(text: str) -> str:
    """`text` with underscores for what is not of a WORD."""
    return _NOT_WORD.sub("_", text)
