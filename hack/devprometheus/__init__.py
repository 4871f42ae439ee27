"""A real Prometheus over real programs, and the shipped dashboards as a person sees them."""

from .dashboards import DASHBOARDS, Dashboard, Panel, Target, read_dashboard
from .errors import MissingPart, PrometheusError
from .programs import find
from .server import Prometheus, Series

__all__ = [
    "DASHBOARDS",
    "Dashboard",
    "MissingPart",
    "Panel",
    "Prometheus",
    "PrometheusError",
    "Series",
    "Target",
    "find",
    "read_dashboard",
]
