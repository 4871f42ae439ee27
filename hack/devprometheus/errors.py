"""What can go wrong with a Prometheus of our own, each in one clear line."""


class PrometheusError(Exception):
    """Prometheus could not do what was asked."""


class MissingPart(PrometheusError):
    """A program is not there; the message says how to get it."""
