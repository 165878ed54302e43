"""Take units off an order: at once where no location has accepted, else when it agrees."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from oms_api import orders
from oms_api.fulfillment import queries, rules
from oms_api.fulfillment.events import FulfillmentCancelled, FulfillmentCancelRequested
from oms_api.fulfillment.models import (
    FULFILLMENT,
    Cancellation,
    CancellationState,
    FulfillmentLine,
    RefundTarget,
)
from oms_api.fulfillment.service.refund import settle
from oms_api.fulfillment.service.work import OrderWork, change, figures, give_up, open_order, told
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import (
    ExceedsRemaining,
    Invalid,
    NotFound,
    Path,
    Refusal,
    check_version,
    refuse,
)
from oms_api.kit.events import emit
from oms_api.orders import LINE, ORDER

_OPEN = (orders.OrderStatus.PENDING, orders.OrderStatus.CONFIRMED, orders.OrderStatus.PARTIALLY_SHIPPED)


@orders.action("orderCancel", "orders:write")
def _why_not(standing: orders.Standing) -> str | None:
    return None if standing.order.status in _OPEN else f"It is {standing.order.status}: nothing is left to cancel."


class Why(NamedTuple):
    """A reason code of the tenant, and what happens to captured money."""

    reason: str
    refund_to: RefundTarget


async def cancel_order(
    tx: Tx,
    order_id: UUID,
    *,
    lines: Sequence[tuple[UUID, int]] | None,
    why: Why,
    expected_version: int | None = None,
) -> orders.Order:
    """Cancel units: `lines` are (order line, units), every unit that has not left when None.

    Units at no location, and those whose location has not accepted yet, are cancelled at once; locations that have
    accepted are asked, and their units are cancelled when they agree. Money follows what is cancelled at once.
    Raises Invalid, NotFound, VersionConflict, InvalidTransition, ExceedsRemaining.
    """
    refuse(rules.not_a_code(why.reason, ("input", "reason")))
    work = await open_order(tx, order_id)
    check_version(work.order.version, expected_version, ORDER(order_id))
    wanted = await _chosen(tx, work, lines)
    status = {row.id: row.status for row in work.fulfillments.values()}
    taken = {
        line_id: rules.take(figures(work.order_lines[line_id]), units, work.of_line(line_id), status)
        for line_id, units in wanted.items()
    }
    at_once = [item for one in taken.values() for item in one.at_once]
    to_ask = [item for one in taken.values() for item in one.to_ask]
    before = work.order
    unplanned = [
        orders.CancelUnits(line_id, one.unplanned, ("input", "lines"))
        for line_id, one in taken.items()
        if one.unplanned
    ]
    if unplanned:
        work.order = await orders.cancel_units(tx, order_id, unplanned, reason=why.reason, keep=_at_work(work))
    await _change(tx, work, at_once, to_ask, why)
    if unplanned or at_once:
        cancellation = await tx.add(
            Cancellation,
            tenant_id=tx.tenant_id,
            id=ids.new(),
            order_id=order_id,
            state=CancellationState.DONE,
            reason=why.reason,
            refund_to=why.refund_to,
            created_at=clock.now(),
        )
        await settle(tx, before, work.order, cancellation)
    return work.order


async def _chosen(tx: Tx, work: OrderWork, lines: Sequence[tuple[UUID, int]] | None) -> dict[UUID, int]:
    """Units to cancel by order line, in the order of the order's lines."""
    left = {line.id: rules.cancellable(figures(line), work.of_line(line.id)) for line in work.order_lines.values()}
    if lines is None:
        chosen = {line_id: units for line_id, units in left.items() if units}
        if not chosen:
            raise await orders.not_now(
                tx,
                work.order,
                "orderCancel",
                f"Nothing of order {work.order.number} can be cancelled: every unit has left, is cancelled or is asked "
                "for already.",
            )
        return chosen
    problems: list[Refusal] = []
    if not lines:
        problems.append(Invalid("lines is empty; leave it out to cancel all that is left.", path=("input", "lines")))
    named: dict[UUID, int] = {}
    for i, (line_id, units) in enumerate(lines):
        path: Path = ("input", "lines", i)
        line = work.order_lines.get(line_id)
        if line is None:
            problems.append(NotFound("The order has no such line.", path=(*path, "lineId")))
        elif line_id in named:
            problems.append(Invalid(f"{line.sku} is named twice; send each line once.", path=path))
        elif units < 1:
            problems.append(Invalid(f"{units} units cannot be cancelled; send 1 or more.", path=(*path, "quantity")))
        elif units > left[line_id]:
            problems.append(
                ExceedsRemaining(
                    f"{units} of {line.sku} cannot be cancelled any more; {left[line_id]} can.",
                    path=(*path, "quantity"),
                    details={"subject_id": LINE(line_id), "requested": units, "remaining_quantity": left[line_id]},
                )
            )
        named[line_id] = units
    refuse(problems)
    return named


def _at_work(work: OrderWork) -> dict[tuple[UUID, str, UUID], int]:
    """Units that locations work on, by order line, SKU and location: they stay held."""
    found: dict[tuple[UUID, str, UUID], int] = defaultdict(int)
    for line in work.lines.values():
        location_id = work.fulfillments[line.fulfillment_id].location_id
        found[line.order_line_id, line.sku, location_id] += line.remaining
    return found


async def _change(
    tx: Tx,
    work: OrderWork,
    at_once: Sequence[tuple[FulfillmentLine, int]],
    to_ask: Sequence[tuple[FulfillmentLine, int]],
    why: Why,
) -> None:
    """Take units off locations' work, and ask for those that only they can give up."""
    if not at_once and not to_ask:
        return
    figures_of: dict[UUID, dict[str, int]] = defaultdict(dict)
    for line, units in at_once:
        figures_of[line.id]["cancelled"] = units
    for line, units in to_ask:
        figures_of[line.id]["asked"] = units
    steps = await change(tx, work, figures_of)
    await give_up(tx, work, at_once, steps, why.reason)
    _tell(tx, work, at_once)
    await _ask(tx, work, to_ask, why)


def _tell(tx: Tx, work: OrderWork, at_once: Sequence[tuple[FulfillmentLine, int]]) -> None:
    of_fulfillment: dict[UUID, list[tuple[FulfillmentLine, int]]] = defaultdict(list)
    for line, units in at_once:
        of_fulfillment[line.fulfillment_id].append((line, units))
    for id_, taken in of_fulfillment.items():
        emit(
            tx,
            FulfillmentCancelled(
                order_id=ORDER(work.order.id), status=work.fulfillments[id_].status, lines=told(taken)
            ),
            subject=FULFILLMENT.ref(id_),
            owner=work.order.id,
            updated=["status", "lines"],
        )


async def _ask(tx: Tx, work: OrderWork, to_ask: Sequence[tuple[FulfillmentLine, int]], why: Why) -> None:
    """Ask locations: one open question a fulfillment, to which more units are added."""
    of_fulfillment: dict[UUID, list[tuple[FulfillmentLine, int]]] = defaultdict(list)
    for line, units in to_ask:
        of_fulfillment[line.fulfillment_id].append((line, units))
    open_ = await queries.asked_of(tx, work.order.id) if to_ask else {}
    await tx.insert(
        Cancellation,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": ids.new(),
                "order_id": work.order.id,
                "fulfillment_id": id_,
                "state": CancellationState.ASKED,
                "reason": why.reason,
                "refund_to": why.refund_to,
                "created_at": clock.now(),
            }
            for id_ in of_fulfillment
            if id_ not in open_
        ],
    )
    for id_, asked in of_fulfillment.items():
        emit(
            tx,
            FulfillmentCancelRequested(order_id=ORDER(work.order.id), reason=why.reason, lines=told(asked)),
            subject=FULFILLMENT.ref(id_),
            owner=work.order.id,
            updated=["status"],
        )
