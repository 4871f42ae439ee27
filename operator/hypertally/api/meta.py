"""The part of metav1.ObjectMeta that Hypertally reads."""

from .base import Wire


class ObjectMeta(Wire, frozen=True, kw_only=True):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
