"""What nodes show of guest `a`, and what its Instance's status becomes of it."""

from hypertally.api.amounts import Amounts
from hypertally.api.compute_node import Claim
from hypertally.api.instance import Instance, InstanceStatus, Move
from hypertally.api.migration import Migration
from hypertally.ledger.evidence import Evidence, Sight
from hypertally.ledger.moves import next_status
from tests.ledger.make import instance


def at(
    *claims: Claim,
    sight: Sight = Sight.ABSENT,
    fresh: Sight | None = None,
    settled: bool = True,
    silent: bool = False,
    current: bool = True,
    hidden: bool = False,
    listed: Amounts | None = None,
) -> Evidence:
    return Evidence(
        has_ledger=True, current=current, claims=claims, sight=fresh or sight, settled=settled, fresh=fresh,
        size=listed, silent=silent, hidden=hidden,
    )  # fmt: skip


def after(instance: Instance, migrations: list[Migration] | None = None, **nodes: Evidence) -> InstanceStatus:
    return next_status(instance, nodes, migrations or [])


def moving(made: Move, home: str = "n0", granted: int = 1) -> Instance:
    return instance("a", home=home, granted=granted, move=made)
