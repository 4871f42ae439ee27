"""What can go wrong with a private host, each in one clear line."""


class HostError(Exception):
    """A private host could not do what was asked."""


class MissingPart(HostError):
    """A program or a right that a private host needs is not there; the message says how to get it."""


class HostTimeout(HostError):
    """The host did not answer within its deadline."""
