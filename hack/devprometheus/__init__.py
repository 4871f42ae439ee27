"""A real Prometheus over real programs, and the shipped dashboards as a person sees them."""

from .dashboards import DASHBOARDS, Dashboard, Panel, Target, read_dashboard
from .errors import MissingPart, PrometheusError
from .programs import find
from .server import Prometheus, Series
from .stage import AGENT_JOB, ALERTS, CONTROLLER_JOB, Stage

__all__ = [
    "AGENT_JOB",
    "ALERTS",
    "CONTROLLER_JOB",
    "DASHBOARDS",
    "Dashboard",
    "MissingPart",
    "Panel",
    "Prometheus",
    "PrometheusError",
    "Series",
    "Stage",
    "Target",
    "find",
    "read_dashboard",
]
