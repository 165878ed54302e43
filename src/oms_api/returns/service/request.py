"""A customer wants to send units back."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from oms_api import fulfillment, orders
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import ExceedsRemaining, Invalid, NotFound, Path, Refusal, check_version, refuse
from oms_api.kit.events import emit
from oms_api.orders import LINE, ORDER
from oms_api.returns import queries, rules
from oms_api.returns.errors import ReturnNotEligible
from oms_api.returns.events import ReturnRequested
from oms_api.returns.models import RETURN, Return, ReturnLine, ReturnNumbers, ReturnStatus
from oms_api.returns.service.work import told

LINES_MAX = 500
_SENT = (orders.OrderStatus.PARTIALLY_SHIPPED, orders.OrderStatus.SHIPPED, orders.OrderStatus.COMPLETED)


@orders.action("returnRequest", "returns:write")
def _why_not(standing: orders.Standing) -> str | None:
    return None if standing.order.status in _SENT else f"It is {standing.order.status}: nothing has arrived yet."


class Asked(NamedTuple):
    """Units of an order line, and a reason code of the tenant."""

    line_id: UUID
    quantity: int
    reason: str


async def request(tx: Tx, order_id: UUID, *, lines: Sequence[Asked], expected_version: int | None = None) -> Return:
    """Ask to send units back that were delivered and are on no other return.

    Raises every problem at once: Invalid, NotFound, ExceedsRemaining, ReturnNotEligible; and VersionConflict.
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise Invalid(f"Send 1 to {LINES_MAX} lines, not {len(lines)}.", path=("input", "lines"))
    order = await orders.lock(tx, order_id)
    check_version(order.version, expected_version, ORDER(order_id))
    order_lines = {line.id: line for line in (await orders.lines_of(tx, [order_id])).get(order_id, [])}
    coming = await _coming(tx, order_id)
    sent = await fulfillment.deliveries(tx, [line.line_id for line in lines if line.line_id in order_lines])
    problems: list[Refusal] = []
    named: set[UUID] = set()
    for i, asked in enumerate(lines):
        path: Path = ("input", "lines", i)
        line = order_lines.get(asked.line_id)
        if line is None:
            problems.append(NotFound("The order has no such line.", path=(*path, "lineId")))
            continue
        if asked.line_id in named:
            problems.append(Invalid(f"{line.sku} is named twice; send each line once.", path=path))
        named.add(asked.line_id)
        problems += fulfillment.not_a_code(asked.reason, (*path, "reason"))
        deliveries = [
            rules.Delivery(row.sku, row.per_unit, row.quantity, row.delivered_at) for row in sent.get(line.id, ())
        ]
        problems += _refusals(line, asked.quantity, coming[line.id], deliveries, (*path, "quantity"))
    refuse(problems)
    (numbers,) = await tx.upsert(
        ReturnNumbers, [{"tenant_id": tx.tenant_id, "taken": 1}], key=("tenant_id",), add=("taken",)
    )
    now = clock.now()
    row = await tx.add(
        Return,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        order_id=order_id,
        number=rules.FIRST_NUMBER - 1 + numbers.taken,
        status=ReturnStatus.REQUESTED,
        currency=order.currency,
        expires_at=rules.expires_at(ReturnStatus.REQUESTED, now),
        created_at=now,
        updated_at=now,
    )
    made = await tx.insert(
        ReturnLine,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "order_id": order_id,
                "return_id": row.id,
                "order_line_id": asked.line_id,
                "sku": order_lines[asked.line_id].sku,
                "quantity": asked.quantity,
                "reason": asked.reason,
            }
            for asked in lines
        ],
    )
    emit(
        tx,
        ReturnRequested(
            order_id=ORDER(order_id),
            number=rules.number(row.number),
            lines=told((line, line.quantity) for line in made),
        ),
        subject=RETURN.ref(row.id),
        owner=order_id,
        added=["return"],
    )
    return row


async def _coming(tx: Tx, order_id: UUID) -> dict[UUID, int]:
    """Units by order line that are on a return and have not arrived."""
    open_ = {
        row.id for row in (await queries.returns_of(tx, [order_id])).get(order_id, []) if row.status in rules.COMING
    }
    found: dict[UUID, int] = defaultdict(int)
    for line in await queries.lines_of_order(tx, order_id):
        if line.return_id in open_:
            found[line.order_line_id] += line.quantity - line.received
    return found


def _refusals(
    line: orders.OrderLine, quantity: int, coming: int, deliveries: Sequence[rules.Delivery], path: Path
) -> list[Refusal]:
    if quantity < 1:
        return [Invalid(f"{quantity} units cannot come back; send 1 or more.", path=path)]
    left = line.delivered - coming
    if quantity > left:
        return [
            ExceedsRemaining(
                f"{quantity} of {line.sku} cannot come back: {left} are with the customer and on no return.",
                path=path,
                details={"subject_id": LINE(line.id), "requested": quantity, "remaining_quantity": left},
            )
        ]
    eligible = rules.returnable(line.delivered, line.returned, coming, deliveries, clock.now())
    if quantity > eligible:
        return [
            ReturnNotEligible(
                f"{quantity} of {line.sku} cannot come back: {eligible} were sent and arrived within the last "
                f"{rules.WINDOW.days} days.",
                path=path,
                details={"subject_id": LINE(line.id), "requested": quantity, "remaining_quantity": eligible},
            )
        ]
    return []
