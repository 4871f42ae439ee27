"""What can go wrong with a cluster of private nodes, each in one clear line."""


class NodesError(Exception):
    """The nodes could not do what was asked; the message says why and what helps."""


class MissingPart(NodesError):
    """A program or a right that the nodes need is not there; the message says how to get it."""
