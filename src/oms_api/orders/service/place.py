"""`orderCreate`: one order, its units held and its money recorded, in one transaction.

Two things decide between concurrent creates, both in the database. The channel's own id is claimed first: a second
create with it waits until the first has ended, then answers with that order. The number is taken last: the tenant's
counter stays locked until commit, so all that takes time (planning, the positions' locks, the inserts of lines) comes
before it, and of the order's own work only its row's insert comes after; the rows that refer to it have deferred
foreign keys. Blocks of numbers for each process would not need the lock, but then numbers would not rise with time as
soon as there are two processes; a transaction of its own for the number costs a second commit for every order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid
from sqlmodel import col, select

from oms_api import allocation, catalog, network, payments
from oms_api.catalog import SkuKind
from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, mine, param, prepared, row_of
from oms_api.kit.errors import ExceedsRemaining, InvalidAmount, NotFound, Refusal, refuse
from oms_api.kit.events import emit
from oms_api.kit.metadata import merged
from oms_api.kit.money import LARGEST_MINOR, Money
from oms_api.network import Network
from oms_api.orders.events import OrderConfirmed, OrderCreated
from oms_api.orders.models import (
    LINE,
    ORDER,
    DeliveryGroup,
    Order,
    OrderAdjustment,
    OrderExternalId,
    OrderLine,
    OrderNumbers,
    OrderStatus,
)
from oms_api.orders.rules.amounts import amounts, spread, sums
from oms_api.orders.rules.status import missing, status
from oms_api.orders.service.check import UNSTOCKED, Checked, check, check_head
from oms_api.orders.service.funds import funds_of
from oms_api.orders.service.new import INPUT, NewOrder
from oms_api.orders.service.row import tell_progress
from oms_api.orders.service.source import Sourced, source
from oms_api.payments import Payment
from oms_api.promising import DeliveryMethod, ShortagePolicy

NUMBERS_START = 1000  # the first order is 1001
NO_DAY_ASC = 3652059  # date.max.toordinal()
NO_DAY_DESC = 0

_CLAIMED = prepared(
    select(OrderExternalId.order_id).where(
        mine(OrderExternalId),
        col(OrderExternalId.channel_id) == param("channel", Uuid()),
        col(OrderExternalId.external_id) == param("of"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order and what belongs to it. `first`: it was there before; only its id is known then."""

    id: UUID
    first: bool = False
    order: Order | None = None
    lines: Sequence[OrderLine] = ()
    groups: Sequence[DeliveryGroup] = ()
    adjustments: Sequence[OrderAdjustment] = ()
    payments: Sequence[Payment] = ()


async def place(tx: Tx, new: NewOrder) -> Placed:
    """Create an order, hold its units, confirm it when it may be; the first order of a channel's id when it is known.

    Raises every problem of the input at once (Invalid, Required, NotFound, InvalidAmount, PriceMismatch), and
    InsufficientStock, NoSource, Expired.
    """
    refuse(check_head(new))
    found = await network.network_of(tx, new.channel)
    if found is None:
        raise NotFound(
            f"There is no channel {new.channel[:60]!r}; create it with channelPut first.", path=(*INPUT, "channel")
        )
    order_id = ids.new()
    if new.external_id is not None:
        first = await _claim(tx, found.channel.id, new.external_id, order_id)
        if first is not None:
            return Placed(id=first, first=True)
    items = await catalog.items(tx, list({line.sku for line in new.lines}))
    checked, problems = check(new, found, items, tx.caller)
    problems += await _class_problems(tx, new, found)
    entries = merged({}, new.metadata, (*INPUT, "metadata"), problems)
    refuse(problems)
    drafts = _drafts(tx, new, checked, found, items, order_id)
    sourced, demand_class = await source(
        tx, new, checked, found, items, order_id=order_id, line_ids=[line["id"] for line in drafts.lines]
    )
    _set_units(new, drafts.lines, sourced)
    order = _order(tx, new, checked, found, order_id, drafts.lines)
    _check_payments(checked, order, drafts.lines)
    paid = await _record_payments(tx, new, found, checked, order)
    _decide(new, found, order, drafts.lines, paid)
    groups = await tx.insert(DeliveryGroup, drafts.groups)
    lines = await tx.insert(OrderLine, drafts.lines)
    adjustments = await tx.insert(OrderAdjustment, drafts.adjustments)
    (numbers,) = await tx.upsert(
        OrderNumbers, [{"tenant_id": tx.tenant_id, "taken": 1}], key=("tenant_id",), add=("taken",)
    )
    row = await tx.add(Order, **order, demand_class=demand_class, number=NUMBERS_START + numbers.taken, entries=entries)
    _tell(tx, row, lines, found)
    return Placed(id=order_id, order=row, lines=lines, groups=groups, adjustments=adjustments, payments=paid)


async def _class_problems(tx: Tx, new: NewOrder, found: Network) -> list[Refusal]:
    if new.demand_class is not None:
        try:
            allocation.check_class(await allocation.ladder_of(tx, found), new.demand_class, (*INPUT, "demandClass"))
        except NotFound as refusal:
            return [refusal]
    return []


async def _claim(tx: Tx, channel_id: UUID, external_id: str, order_id: UUID) -> UUID | None:
    """None when the id is ours now, else the order that has it."""
    row = {"tenant_id": tx.tenant_id, "channel_id": channel_id, "external_id": external_id, "order_id": order_id}
    if await tx.upsert(OrderExternalId, [row], key=("tenant_id", "channel_id", "external_id")):
        return None
    first: UUID | None = await tx.first(_CLAIMED, {"channel": channel_id, "of": external_id})
    return first


# --- rows ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Drafts:
    groups: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    adjustments: list[dict[str, Any]]


def _drafts(
    tx: Tx, new: NewOrder, checked: Checked, found: Network, items: dict[str, catalog.Item], order_id: UUID
) -> _Drafts:
    """Rows of what belongs to the order, units not yet told apart."""
    own = {"tenant_id": tx.tenant_id, "order_id": order_id}
    groups = [
        {
            **own,
            "id": ids.new(),
            "position": at,
            "key": group.key,
            "method": group.method,
            "address": group.address,
            "pickup_location_id": location.id if location else None,
        }
        for at, (group, location) in enumerate(zip(checked.groups, checked.pickups, strict=True))
    ]
    shares = spread(
        sums(checked.adjustments),
        [
            (price * line.quantity, own_sums)
            for line, price, own_sums in zip(new.lines, checked.prices, checked.line_sums, strict=True)
        ],
    )
    lines: list[dict[str, Any]] = []
    adjustments: list[dict[str, Any]] = []
    for i, line in enumerate(new.lines):
        item, share = items[line.sku], shares[i]
        lines.append(
            {
                **own,
                "id": ids.new(),
                "group_id": groups[checked.group_of[i]]["id"],
                "position": i,
                "sku": line.sku,
                "kind": item.kind,
                "components": [list(part) for part in item.components.items()] if item.kind is SkuKind.KIT else [],
                "external_id": line.external_id,
                "requested_on": new.wanted(i).requested_on,
                "may_arrive_earlier": new.wanted(i).early,
                "quantity": line.quantity,
                "currency": found.channel.currency,
                "unit_price_minor": checked.prices[i],
                "discount_minor": share.discount,
                "included_discount_minor": share.included_discount,
                "tax_minor": share.tax,
                "included_tax_minor": share.included_tax,
                "fee_minor": share.fee,
            }
        )
    for line_id, priced in [
        *((line["id"], priced) for line, own_ in zip(lines, checked.line_adjustments, strict=True) for priced in own_),
        *((None, priced) for priced in checked.adjustments),
    ]:
        adjustments.append(
            {
                **own,
                "id": ids.new(),
                "line_id": line_id,
                "position": len(adjustments),
                "kind": priced.kind,
                "label": priced.label,
                "amount_minor": priced.amount_minor,
                "included": priced.included,
            }
        )
    return _Drafts(groups, lines, adjustments)


def _set_units(new: NewOrder, lines: Sequence[dict[str, Any]], sourced: Sequence[Sourced]) -> None:
    partial = new.on_shortage is ShortagePolicy.PARTIAL
    for line, units in zip(lines, sourced, strict=True):
        line["reserved"] = units.held
        line["backordered"] = units.awaited + (0 if partial else units.rest)
        line["cancelled"] = units.rest if partial else 0
        line["delivered"] = 0
        # without a date as long as nobody knows when the rest comes
        line["promised_on"] = None if units.rest and not partial else units.promised_on


_ZERO = {"pending": 0, "allocated": 0, "shipped": 0, "returned": 0}


def _rows(lines: Sequence[dict[str, Any]]) -> list[OrderLine]:
    """Lines as the rules read them, before they are inserted."""
    return [row_of(OrderLine, {**_ZERO, **line}) for line in lines]


def _order(
    tx: Tx, new: NewOrder, checked: Checked, found: Network, order_id: UUID, lines: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    channel = found.channel
    worth = amounts(_rows(lines), checked.shipping_minor)
    if worth.total < 0:
        raise InvalidAmount(
            f"The discounts make the total {Money(worth.total, channel.currency)}; lower them.",
            path=(*INPUT, "adjustments"),
        )
    if max(worth) > LARGEST_MINOR:
        raise InvalidAmount(
            f"The order's amounts add up to more than {Money(LARGEST_MINOR, channel.currency)}; split it.",
            path=(*INPUT, "lines"),
        )
    now = clock.now()
    days = [line["promised_on"].toordinal() for line in lines if line["promised_on"] is not None]
    billing = new.billing_address
    if billing is None:
        sent_to = (group.address for group in checked.groups if group.method is DeliveryMethod.SHIPPING)
        billing = next(sent_to, None)
    return {
        "tenant_id": tx.tenant_id,
        "id": order_id,
        "channel_id": channel.id,
        "external_id": new.external_id,
        "auto_confirm": new.auto_confirm,
        "currency": channel.currency,
        "subtotal_minor": worth.subtotal,
        "shipping_minor": checked.shipping_minor,
        "discount_minor": worth.discount,
        "tax_minor": worth.tax,
        "total_minor": worth.total,
        "customer_email": new.email,
        "customer_phone": new.phone,
        "customer_external_id": new.customer_external_id,
        "customer_group": new.customer_group,
        "billing_address": billing,
        "promised_asc": max(days) if days else NO_DAY_ASC,
        "promised_desc": max(days) if days else NO_DAY_DESC,
        "placed_at": new.placed_at or now,
        "created_at": now,
        "updated_at": now,
    }


def _check_payments(checked: Checked, order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    """Money taken elsewhere is at most what the order costs as it was sent, units that PARTIAL gives up included: those
    were paid, and `outstanding` tells what is owed for them. Anything above is a slip. Raises ExceedsRemaining."""
    paid, total, currency = sum(checked.payments), order["total_minor"], order["currency"]
    if paid > total and any(line["cancelled"] for line in lines):
        total = amounts(_rows([{**line, "cancelled": 0} for line in lines]), checked.shipping_minor).total
    if paid > total:
        raise ExceedsRemaining(
            f"externalPayments come to {Money(paid, currency)}, the order to {Money(total, currency)}: send what was "
            "paid for this order, and what was paid on top (a tip, cash rounding) as an adjustment of kind FEE.",
            path=(*INPUT, "externalPayments"),
            details={"remaining_amount": Money(total, currency)},
        )


async def _record_payments(
    tx: Tx, new: NewOrder, found: Network, checked: Checked, order: dict[str, Any]
) -> list[Payment]:
    return [
        await payments.record_external(
            tx,
            payable_id=order["id"],
            method=payment.method,
            amount_minor=minor,
            currency=order["currency"],
            state=payment.state,
            window_s=found.channel.payment_window_s,
            reference=payment.reference,
            path=(*INPUT, "externalPayments", i),
        )
        for i, (payment, minor) in enumerate(zip(new.payments, checked.payments, strict=True))
    ]


def _decide(
    new: NewOrder, found: Network, order: dict[str, Any], lines: Sequence[dict[str, Any]], paid: Sequence[Payment]
) -> None:
    """Confirm it at once when the channel's rule is met; otherwise it has a window to be paid in."""
    funds = funds_of(paid)
    order["payments_version"] = sum(payment.version for payment in paid)
    if not new.auto_confirm or missing(found.channel.payment_rule, order["total_minor"], funds):
        order["status"] = OrderStatus.PENDING
        order["lapses_at"] = order["created_at"] + timedelta(seconds=found.channel.payment_window_s)
        return
    for line in lines:
        if line["kind"] in UNSTOCKED:
            line["reserved"], line["delivered"] = 0, line["reserved"]
    outstanding = order["total_minor"] - funds.captured + funds.refunded
    order["status"] = status(OrderStatus.CONFIRMED, _rows(lines), outstanding)
    order["lapses_at"] = None


def _tell(tx: Tx, order: Order, lines: Sequence[OrderLine], found: Network) -> None:
    subject, number = ORDER.ref(order.id), str(order.number)
    emit(
        tx,
        OrderCreated(
            number=number,
            channel=found.channel.handle,
            lines=[{"lineId": LINE(line.id), "sku": line.sku, "quantity": line.quantity} for line in lines],
            total_minor=order.total_minor,
            currency=order.currency,
        ),
        subject=subject,
        added=["order"],
    )
    if order.status is not OrderStatus.PENDING:
        emit(
            tx,
            OrderConfirmed(number=number, total_minor=order.total_minor, currency=order.currency),
            subject=subject,
            updated=["status"],
        )
        tell_progress(tx, OrderStatus.CONFIRMED, order)
