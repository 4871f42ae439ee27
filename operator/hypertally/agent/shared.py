"""What all parts of one agent have in common."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from .clock import wall
from .identities import Identities
from .metrics import AgentMetrics
from .proofs import Proofs
from .sightings import Sightings
from .tenure import Tenure


@dataclass(frozen=True)
class Shared:
    """Time and chance are given from here, so that a test can give others."""

    compare_interval: float
    proofs: Proofs = field(default_factory=Proofs)
    metrics: AgentMetrics = field(default_factory=AgentMetrics)
    identities: Identities = field(default_factory=lambda: Identities(time.monotonic))
    sightings: Sightings = field(default_factory=Sightings)
    tenure: Tenure = field(default_factory=Tenure)
    clock: Callable[[], float] = time.monotonic
    """Measures every interval."""
    wall: Callable[[], datetime] = wall
    """Dates what others read; may jump."""
    chance: Callable[[], float] = random.random
    """Uniform in [0, 1)."""
