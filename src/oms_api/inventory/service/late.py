"""Supplies that are overdue: told once, so that what leans on them is dated anew."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col

from oms_api.inventory import rules
from oms_api.inventory.events import SupplyLate
from oms_api.inventory.models import SUPPLY, Supply
from oms_api.kit.db import Tx, any_of, mine, now, prepared, table_of
from oms_api.kit.events import emit
from oms_api.network import LOCATION

# Whoever changes the date at the same moment changes the same row: one of the two finds it changed.
_LATE = prepared(
    update(table_of(Supply))
    .where(
        mine(Supply),
        any_of(Supply.id, "ids"),
        col(Supply.quantity) > 0,
        col(Supply.late_at).is_(None),
        func.coalesce(col(Supply.confident_at), col(Supply.expected_at)) <= now(),
    )
    .values(late_at=now(), version=col(Supply.version) + 1)
    .returning(Supply)
)


async def tell_late(tx: Tx, ids: Sequence[UUID]) -> int:
    """Tell of those supplies that have not come by the time they were due; how many. One statement."""
    rows: list[Supply] = await tx.all(_LATE, {"ids": ids})
    for row in sorted(rows, key=lambda row: row.id):
        emit(
            tx,
            SupplyLate(
                reference=row.reference,
                sku=row.sku,
                location_id=LOCATION(row.location_id),
                quantity=row.quantity,
                due_at=rules.due_at(row),
            ),
            subject=SUPPLY.ref(row.id),
            updated=["lateAt"],
        )
    return len(rows)
