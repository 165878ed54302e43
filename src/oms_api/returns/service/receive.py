"""Units come back: stock, the order's units and money follow."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api import allocation, inventory, network, orders, payments
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, changed, json_rows, mine, prepared, table_of
from oms_api.kit.errors import ExceedsRemaining, Invalid, NotFound, Path, Refusal, check_version, refuse
from oms_api.kit.events import emit
from oms_api.network import LOCATION, Location
from oms_api.orders import ORDER
from oms_api.returns import rules
from oms_api.returns.events import ReturnReceived
from oms_api.returns.models import RECEIPT, RETURN, RETURN_LINE, Inspection, Receipt, Return, ReturnLine
from oms_api.returns.service.work import ReturnWork, name, open_return, write

_deltas = json_rows("deltas", {"id": Uuid(), "received": BigInteger(), "inspected": BigInteger()})
_CHANGE = prepared(
    update(table_of(ReturnLine))
    .where(mine(ReturnLine), col(ReturnLine.id) == _deltas.c.id)
    .values(
        received=col(ReturnLine.received) + _deltas.c.received,
        inspected=col(ReturnLine.inspected) + _deltas.c.inspected,
    )
)


async def receive(
    tx: Tx,
    return_id: UUID,
    *,
    location: str,
    entries: Sequence[rules.Arrived],
    expected_version: int | None = None,
) -> Return:
    """Units arrived at a location, or were inspected there.

    Arrived units are returned; what becomes of inspected ones decides about stock, and they are credited: their slice
    of the line's price, discounts, fees and tax. What was captured beyond what is then owed is refunded, once, in the
    name of this receipt. Raises Invalid, NotFound, VersionConflict, InvalidTransition, ExceedsRemaining. The number of
    statements does not depend on that of the lines.
    """
    place = await _place(tx, location)
    work = await open_return(tx, return_id)
    row = work.row
    check_version(row.version, expected_version, name(row))
    rules.STATES.after("returnReceive", row.status, name(row))
    changes = _checked(work, entries)
    order_lines = {line.id: line for line in (await orders.lines_of(tx, [row.order_id])).get(row.order_id, [])}
    credit = _credit(work, changes, entries, order_lines)
    await _count(tx, work, changes, entries)
    await _return_units(tx, work, changes, entries)
    owed = await _owed(tx, work, credit)
    receipt = await tx.add(
        Receipt,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        return_id=row.id,
        location_id=place.id,
        credited_minor=credit,
        due_minor=owed,
        created_at=clock.now(),
    )
    await tx.insert(
        Inspection,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "receipt_id": receipt.id,
                "return_line_id": entry.line_id,
                "disposition": entry.disposition,
                "quantity": entry.quantity,
            }
            for entry in entries
            if entry.disposition is not None
        ],
    )
    await _restock(tx, work, entries, order_lines, place, receipt)
    _tell(tx, work, entries, place, credit, owed)
    if owed:
        await payments.refund_payable(tx, row.order_id, owed, cause=RECEIPT.ref(receipt.id))
    due = row.due_minor + owed
    return await write(
        tx,
        row,
        credited_minor=row.credited_minor + credit,
        due_minor=due,
        status=rules.status_of(work.lines.values(), due=due, refunded=row.refunded_minor),
    )


async def _place(tx: Tx, handle: str) -> Location:
    place = (await network.locations_by_handle(tx, [handle])).get(handle)
    path: Path = ("input", "location")
    if place is None:
        raise NotFound(f"There is no location {handle[:100]!r}; create it with locationPut first.", path=path)
    if not place.accepts_returns:
        raise Invalid(f"{handle} takes no returns; set acceptsReturns, or name another location.", path=path)
    return place


def _checked(work: ReturnWork, entries: Sequence[rules.Arrived]) -> list[rules.Change]:
    lines = work.lines
    problems: list[Refusal] = []
    if not entries:
        problems.append(Invalid("lines is empty; name what arrived.", path=("input", "lines")))
    for i, entry in enumerate(entries):
        path: Path = ("input", "lines", i)
        if entry.line_id not in lines:
            problems.append(NotFound(f"{name(work.row)} has no such line.", path=(*path, "returnLineId")))
        elif entry.quantity < 1:
            problems.append(Invalid(f"{entry.quantity} units cannot arrive; send 1 or more.", path=(*path, "quantity")))
    refuse(problems)
    changes = rules.receive(lines, entries)
    for i, (entry, change) in enumerate(zip(entries, changes, strict=True)):
        if change.excess:
            line = lines[entry.line_id]
            left = rules.available(line, entry.disposition)
            problems.append(
                ExceedsRemaining(
                    f"{entry.quantity} of {line.sku} are too many: {left} of {line.quantity} are left to arrive or to "
                    "be inspected.",
                    path=("input", "lines", i, "quantity"),
                    details={"sku": line.sku, "requested": entry.quantity, "remaining_quantity": left},
                )
            )
    refuse(problems)
    return changes


def _credit(
    work: ReturnWork,
    changes: Sequence[rules.Change],
    entries: Sequence[rules.Arrived],
    order_lines: Mapping[UUID, orders.OrderLine],
) -> int:
    """What the inspected units are worth: each line's next slice, after those that were credited before."""
    before: dict[UUID, int] = defaultdict(int)
    for line in work.all_lines:
        before[line.order_line_id] += line.inspected
    more: dict[UUID, int] = defaultdict(int)
    for entry, change in zip(entries, changes, strict=True):
        more[work.lines[entry.line_id].order_line_id] += change.inspected
    return sum(orders.worth(order_lines[id_], before[id_], units) for id_, units in more.items() if units)


async def _count(tx: Tx, work: ReturnWork, changes: Sequence[rules.Change], entries: Sequence[rules.Arrived]) -> None:
    added: dict[UUID, dict[str, int]] = defaultdict(lambda: {"received": 0, "inspected": 0})
    for entry, change in zip(entries, changes, strict=True):
        added[entry.line_id]["received"] += change.received
        added[entry.line_id]["inspected"] += change.inspected
    await tx.run(_CHANGE, {"deltas": [{"id": id_, **figures} for id_, figures in added.items()]})
    work.all_lines = [
        changed(
            line,
            received=line.received + added[line.id]["received"],
            inspected=line.inspected + added[line.id]["inspected"],
        )
        if line.id in added
        else line
        for line in work.all_lines
    ]


async def _return_units(
    tx: Tx, work: ReturnWork, changes: Sequence[rules.Change], entries: Sequence[rules.Arrived]
) -> None:
    arrived: dict[UUID, int] = defaultdict(int)
    for entry, change in zip(entries, changes, strict=True):
        arrived[work.lines[entry.line_id].order_line_id] += change.received
    moves = [
        orders.Move(id_, orders.UnitState.DELIVERED, orders.UnitState.RETURNED, units)
        for id_, units in arrived.items()
        if units
    ]
    if moves:
        work.order = await orders.move(tx, work.order.id, moves)


async def _owed(tx: Tx, work: ReturnWork, credit: int) -> int:
    """Credit the order; how much of the credit is to be given back."""
    if not credit:
        return 0
    work.order = await orders.credit(tx, work.order.id, credit)
    paid = (await payments.payments_of(tx, [work.order.id])).get(work.order.id, [])
    return rules.due(
        credit,
        total=work.order.total_minor,
        credited=work.order.credited_minor,
        captured=sum(row.captured_minor for row in paid),
        given_back=sum(row.refunded_minor + row.refunding_minor for row in paid),
    )


async def _restock(
    tx: Tx,
    work: ReturnWork,
    entries: Sequence[rules.Arrived],
    order_lines: Mapping[UUID, orders.OrderLine],
    place: Location,
    receipt: Receipt,
) -> None:
    """Units go into the bucket of their disposition, those of a kit as its parts."""
    units: dict[tuple[str, inventory.StockBucket], int] = defaultdict(int)
    for entry in entries:
        bucket = rules.BUCKETS.get(entry.disposition) if entry.disposition else None
        if bucket is None:
            continue
        line = order_lines[work.lines[entry.line_id].order_line_id]
        for sku, each in orders.parts_of(line).items():
            units[sku, bucket] += entry.quantity * each
    if units:
        sold = [(sku, place.id, n) for (sku, bucket), n in units.items() if bucket is inventory.StockBucket.AVAILABLE]
        if sold:  # shares before positions
            await allocation.came_back(tx, work.row.order_id, sold)
        await inventory.restock(
            tx,
            [(sku, place.id, quantity, bucket) for (sku, bucket), quantity in units.items()],
            RECEIPT.ref(receipt.id),
        )


def _tell(tx: Tx, work: ReturnWork, entries: Sequence[rules.Arrived], place: Location, credit: int, owed: int) -> None:
    lines: list[dict[str, Any]] = [
        {
            "lineId": RETURN_LINE(entry.line_id),
            "sku": work.lines[entry.line_id].sku,
            "quantity": entry.quantity,
            "disposition": entry.disposition,
        }
        for entry in entries
    ]
    emit(
        tx,
        ReturnReceived(
            order_id=ORDER(work.row.order_id),
            number=rules.number(work.row.number),
            location_id=LOCATION(place.id),
            lines=lines,
            credited_minor=credit,
            due_minor=owed,
            currency=work.row.currency,
        ),
        subject=RETURN.ref(work.row.id),
        owner=work.row.order_id,
        updated=["status", "lines"],
    )
