"""Private Kubernetes nodes on this machine, each beside its own libvirtd, for the two-node lane."""

from devnodes.errors import MissingPart, NodesError
from devnodes.lab import Lab
from devnodes.node import Node

__all__ = ["Lab", "MissingPart", "Node", "NodesError"]
