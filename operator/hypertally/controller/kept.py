"""The operator's word on one record, in an annotation: typed objects carry none, and few records are ever asked."""

from typing import Any

from hypertally.api.names import KEEP_ANNOTATION


def is_kept(raw: dict[str, Any]) -> bool:
    """Any value but `false` keeps: a word that is not understood is no leave to delete."""
    said = (raw["metadata"].get("annotations") or {}).get(KEEP_ANNOTATION, "false")
    return str(said).strip().lower() != "false"
