"""What can go wrong with a private Ceph, each in one clear line."""


class CephError(Exception):
    """A private Ceph could not do what was asked."""


class MissingPart(CephError):
    """A program or a right that a private Ceph needs is not there; the message says how to get it."""


class CephTimeout(CephError):
    """Ceph did not answer within its deadline."""
