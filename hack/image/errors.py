"""What can go wrong with building an image, each as one message that a person can act upon."""


class ImageError(Exception):
    """The image could not be built; the message says why and what helps."""


class NoBuilder(ImageError):
    """No program that builds images is here."""


class WrongArchitecture(ImageError):
    """The image would be for a kind of machine that this one cannot build for."""
