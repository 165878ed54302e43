"""Every SELECT of returns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from oms_api.kit.db import Reading, any_of, columns, mine, now, prepared
from oms_api.returns.models import Inspection, Receipt, Return, ReturnLine

EXPIRE_BATCH_MAX = 200

_EXPIRING = prepared(
    columns(col(Return.tenant_id), col(Return.id))
    .where(col(Return.expires_at).is_not(None), col(Return.expires_at) <= now())
    .order_by(col(Return.expires_at))
    .limit(EXPIRE_BATCH_MAX)
)
_BY_ID = prepared(select(Return).where(mine(Return), any_of(Return.id, "ids")))
_OF_ORDERS = prepared(
    select(Return).where(mine(Return), any_of(Return.order_id, "ids")).order_by(col(Return.id).desc())
)
_LINES_OF = prepared(
    select(ReturnLine).where(mine(ReturnLine), any_of(ReturnLine.return_id, "ids")).order_by(col(ReturnLine.id))
)
_LINES_BY_ID = prepared(select(ReturnLine).where(mine(ReturnLine), any_of(ReturnLine.id, "ids")))
_LINES_OF_ORDERS = prepared(
    select(ReturnLine).where(mine(ReturnLine), any_of(ReturnLine.order_id, "ids")).order_by(col(ReturnLine.id))
)
_INSPECTIONS_OF = prepared(
    select(Inspection).where(mine(Inspection), any_of(Inspection.return_line_id, "ids")).order_by(col(Inspection.id))
)
_RECEIPTS = prepared(select(Receipt).where(mine(Receipt), any_of(Receipt.id, "ids")))


async def expiring(reading: Reading) -> list[Any]:
    """(tenant_id, id) of returns to be given up now. Spans tenants: only the timer asks."""
    return await reading.all(_EXPIRING)


async def returns_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Return]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def returns_of(reading: Reading, order_ids: Sequence[UUID]) -> Mapping[UUID, list[Return]]:
    """By order, newest first."""
    found: dict[UUID, list[Return]] = defaultdict(list)
    for row in await reading.all(_OF_ORDERS, {"ids": order_ids}):
        found[row.order_id].append(row)
    return found


async def lines_of(reading: Reading, return_ids: Sequence[UUID]) -> Mapping[UUID, list[ReturnLine]]:
    found: dict[UUID, list[ReturnLine]] = defaultdict(list)
    for row in await reading.all(_LINES_OF, {"ids": return_ids}):
        found[row.return_id].append(row)
    return found


async def lines_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, ReturnLine]:
    return {row.id: row for row in await reading.all(_LINES_BY_ID, {"ids": ids})}


async def lines_of_order(reading: Reading, order_id: UUID) -> list[ReturnLine]:
    return list(await reading.all(_LINES_OF_ORDERS, {"ids": [order_id]}))


async def inspections_of(reading: Reading, line_ids: Sequence[UUID]) -> Mapping[UUID, list[Inspection]]:
    found: dict[UUID, list[Inspection]] = defaultdict(list)
    for row in await reading.all(_INSPECTIONS_OF, {"ids": line_ids}):
        found[row.return_line_id].append(row)
    return found


async def receipts_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Receipt]:
    return {row.id: row for row in await reading.all(_RECEIPTS, {"ids": ids})}
