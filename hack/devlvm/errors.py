"""What can go wrong with a private volume group, each in one clear line."""


class LvmError(Exception):
    """A private volume group could not do what was asked."""


class MissingPart(LvmError):
    """A program or a right that a volume group needs is not there; the message says how to get it."""
