"""Moves that are not over, as metrics: how many, and since when the oldest one is."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hypertally.api.instance import MoveType
from hypertally.api.migration import Migration
from hypertally.ledger.moves import is_closed

_NUMBER = "hypertally_fleet_open_migrations"
_OLDEST = "hypertally_fleet_oldest_open_migration_timestamp_seconds"
_TEXTS = {
    _NUMBER: "Migrations that are not over, by type.",
    _OLDEST: "When the oldest of them was created, in Unix time; absent when there is none.",
}
_LABELS = ("type",)


class MoveCounts(Collector):
    """Told by the event loop, asked by the server's threads. Has an entry for each open Migration, and few are."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, str]] = {}
        """By key: type and moment of creation, which sorts as text."""

    def hear(self, key: str, migration: Migration | None) -> None:
        """None: it is gone."""
        if migration is None or is_closed(migration):
            self._open.pop(key, None)
        else:
            self._open[key] = migration.spec.type.value, migration.metadata.creation_timestamp

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(name, text, labels=_LABELS) for name, text in _TEXTS.items()]

    def collect(self) -> Iterator[Metric]:
        numbers, oldest = self.describe()
        standing = list(dict(self._open).values())
        for type_ in _DECLARED:
            since = [created for of, created in standing if of == type_]
            numbers.add_sample(_NUMBER, {"type": type_}, len(since))
            if since:
                oldest.add_sample(_OLDEST, {"type": type_}, datetime.fromisoformat(min(since)).timestamp())
        yield from (numbers, oldest)

    @staticmethod
    def labels() -> dict[str, tuple[str, ...]]:
        """Of each family, by its name."""
        return dict.fromkeys(_TEXTS, _LABELS)


_DECLARED = tuple(type_.value for type_ in MoveType if type_ is not MoveType.OBSERVED)
"""What a Migration can be of; nobody declares the others."""
