"""Helm for tests, lint and the cluster lane: the releases that are pinned, or the machine's own."""

from devhelm.download import HelmError
from devhelm.find import NEWEST, OLDEST, Release, find_helm

__all__ = ["NEWEST", "OLDEST", "HelmError", "Release", "find_helm"]
