"""The only door for XML: guests' names and descriptions are foreign input.

defusedxml rather than the bare standard library: expat's own limit stops only some entity bombs, defusedxml refuses
every DTD and every entity before it is expanded, and never opens a file or a connection. libvirt's documents have none.
"""

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

MAX_CHARACTERS = 4 * 1024 * 1024
"""libvirt's own bound of a string on the wire (REMOTE_STRING_MAX in its remote protocol)."""


class UnreadableXml(ValueError):
    """The document cannot be used; the message says why."""


def parse(text: str) -> Element:
    """The root element. Raises UnreadableXml for what is not well-formed, too large, or has a DTD or entities."""
    if len(text) > MAX_CHARACTERS:
        raise UnreadableXml(f"XML of {len(text)} characters is beyond {MAX_CHARACTERS}")
    try:
        root = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UnreadableXml(f"XML cannot be parsed: {type(error).__name__}: {error}") from None
    return root
