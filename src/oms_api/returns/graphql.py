"""Returns in the API."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import strawberry
from strawberry import UNSET

from oms_api import orders
from oms_api.kit.db import Tx
from oms_api.kit.graphql import (
    Info,
    Money,
    Node,
    Outcome,
    Payload,
    add_field,
    describe_enum,
    field,
    found_by,
    money_of,
    mutation,
    node_type,
)
from oms_api.orders.graphql import AvailableAction, Order, OrderLine, OrderRef, line_of, order_of, resolve_ref
from oms_api.returns import models, queries, rules, service
from oms_api.returns.models import RETURN, RETURN_LINE, Disposition, ReturnStatus

describe_enum(
    ReturnStatus,
    "Status of a return.",
    REQUESTED="Asked for.",
    APPROVED="Allowed.",
    DECLINED="Refused.",
    EXPIRED="Not answered, or did not come, in time.",
    PARTIALLY_RECEIVED="Some units at the location.",
    RECEIVED="At the location.",
    CLOSED="Inspected and settled.",
)
describe_enum(
    Disposition,
    "What becomes of it.",
    RESTOCK="Sellable again.",
    REFURBISH="Repair.",
    SCRAP="Gone.",
    VENDOR="To the vendor.",
    QUARANTINE="Kept apart until somebody decides.",
    KEPT="The customer keeps it.",
)


@strawberry.type(description="A return.")
class Return(Node):
    row: strawberry.Private[models.Return]
    version: int = field(description="Version.")
    status: ReturnStatus = field(description="Status.")
    number: str = field(description="RMA number.")
    refundable: Money = field(description="Money still owed to the customer by it; falls as it is refunded.")
    refunded: Money = field(description="Money given back.")

    @field(description="What the caller may do now.")
    def actions(self, info: Info) -> list[AvailableAction]:
        may_write = info.context.known_caller().may("returns:write")
        found = []
        for name in rules.STATES.table:
            fits = rules.STATES.may(name, self.row.status)
            reason = f"It is {self.row.status}." if not fits else "It needs the scope returns:write."
            found.append(
                AvailableAction(name=name, allowed=fits and may_write, reason=None if fits and may_write else reason)
            )
        return found

    @field(description="The order it belongs to; null without receipt, or when the caller may not see it.")
    async def order(self, info: Info) -> Order | None:
        if not info.context.known_caller().may("orders:read"):
            return None
        row = await info.context.load(orders.orders_by_id, self.row.order_id)
        return order_of(row) if row else None

    @field(description="Units and what became of them.")
    async def lines(self, info: Info) -> list[ReturnLine]:
        rows = await info.context.load(queries.lines_of, self.row.id)
        return [return_line_of(row) for row in rows or ()]


@strawberry.type(description="Units coming back.")
class ReturnLine(Node):
    row: strawberry.Private[models.ReturnLine]
    sku: str = field(description="SKU.")
    quantity: int = field(description="Units asked for.")
    reason: str = field(description="Reason code.")
    received: int = field(description="Units that arrived.")

    @field(description="The order line; null without receipt.")
    async def order_line(self, info: Info) -> OrderLine | None:
        if not info.context.known_caller().may("orders:read"):
            return None
        row = await info.context.load(orders.lines_by_id, self.row.order_line_id)
        return line_of(row) if row else None

    @field(description="What became of them.")
    async def dispositions(self, info: Info) -> list[DispositionQuantity]:
        units: dict[Disposition, int] = defaultdict(int)
        for row in await info.context.load(queries.inspections_of, self.row.id) or ():
            units[row.disposition] += row.quantity
        return [DispositionQuantity(disposition=name, quantity=quantity) for name, quantity in units.items()]


@strawberry.type(description="Units by what became of them.")
class DispositionQuantity:
    disposition: Disposition = field(description="What became of them.")
    quantity: int = field(description="Units.")


def return_of(row: models.Return) -> Return:
    return Return(
        id=strawberry.ID(RETURN(row.id)),
        row=row,
        version=row.version,
        status=row.status,
        number=rules.number(row.number),
        refundable=money_of(row.due_minor - row.refunded_minor, row.currency),
        refunded=money_of(row.refunded_minor, row.currency),
    )


def return_line_of(row: models.ReturnLine) -> ReturnLine:
    return ReturnLine(
        id=strawberry.ID(RETURN_LINE(row.id)),
        row=row,
        sku=row.sku,
        quantity=row.quantity,
        reason=row.reason,
        received=row.received,
    )


node_type(RETURN, Return, scope="returns:read", find=found_by(queries.returns_by_id, return_of))
node_type(RETURN_LINE, ReturnLine, scope="returns:read", find=found_by(queries.lines_by_id, return_line_of))


async def _returns(self: Any, info: Info) -> list[Return]:
    rows = await info.context.load(queries.returns_of, orders.ORDER.parse(self.id))
    return [return_of(row) for row in rows or ()]


add_field(Order, "returns", field(_returns, description="Returns of it."))


@strawberry.input(description="Ask to send back.")
class ReturnRequestInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    order: OrderRef = field(description="The order.")
    expected_version: int | None = field(default=UNSET, description="Guard: the order's version.")
    lines: list[ReturnLineInput] = field(description="Units and why.")
    dry_run: bool = field(default=False, description="Check the policy only.")


@strawberry.input(description="Units and why.")
class ReturnLineInput:
    line_id: strawberry.ID = field(description="Line id.")
    quantity: int = field(description="Units.")
    reason: str = field(description="Reason code of the tenant.")


@strawberry.input(description="Allow a return.")
class ReturnApproveInput:
    idempotency_key: str = field(description="Required: policy may refund now.")
    id: strawberry.ID = field(description="Return.")
    expected_version: int | None = field(default=UNSET, description="Guard.")


@strawberry.input(description="Refuse a return.")
class ReturnDeclineInput:
    idempotency_key: str | None = field(default=UNSET, description="See conventions.")
    id: strawberry.ID = field(description="Return.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    reason: str = field(description="Reason code of the tenant.")


@strawberry.input(description="Receive.")
class ReturnReceiveInput:
    idempotency_key: str = field(description="Required: money may move.")
    id: strawberry.ID = field(description="Return.")
    expected_version: int | None = field(default=UNSET, description="Guard.")
    location: str = field(description="Location handle.")
    lines: list[ReceivedLineInput] = field(description="Units.")
    dry_run: bool = field(default=False, description="Check and price only.")


@strawberry.input(description="Units that arrived; repeat a line to split it.")
class ReceivedLineInput:
    return_line_id: strawberry.ID = field(description="`ReturnLine.id`.")
    quantity: int = field(description="Units.")
    disposition: Disposition | None = field(
        default=UNSET, description="What becomes of them; to be inspected later when absent."
    )


@strawberry.type(description="Answer.")
class ReturnPayload(Payload):
    rma: Return | None = field(default=None, description="The return.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> ReturnPayload:
        if not outcome.ids:  # a dry run of a request made none
            return ReturnPayload()
        row = await info.context.load(queries.returns_by_id, outcome.ids[0])
        return ReturnPayload(rma=return_of(row) if row else None)


def _or_none(value: Any) -> Any:
    return None if value is UNSET else value


def _done(row: models.Return) -> Outcome:
    return Outcome(ids=[row.id], rows=[(queries.returns_by_id, row.id, row)])


@strawberry.type
class Mutation:
    @mutation(
        ReturnPayload,
        description="Ask to send back.",
        scope=["returns:write"],
        errors=["RETURN_NOT_ELIGIBLE", "EXCEEDS_REMAINING"],
    )
    async def return_request(tx: Tx, input: ReturnRequestInput) -> Outcome:
        order = await resolve_ref(tx, input.order)
        row = await service.request(
            tx,
            order.id,
            lines=[service.Asked(orders.LINE.parse(line.line_id), line.quantity, line.reason) for line in input.lines],
            expected_version=_or_none(input.expected_version),
        )
        return Outcome() if input.dry_run else _done(row)

    @mutation(ReturnPayload, description="Allow it and issue the label.", scope=["returns:write"])
    async def return_approve(tx: Tx, input: ReturnApproveInput) -> Outcome:
        return _done(
            await service.approve(tx, RETURN.parse(input.id), expected_version=_or_none(input.expected_version))
        )

    @mutation(ReturnPayload, description="Refuse it.", scope=["returns:write"])
    async def return_decline(tx: Tx, input: ReturnDeclineInput) -> Outcome:
        row = await service.decline(
            tx, RETURN.parse(input.id), reason=input.reason, expected_version=_or_none(input.expected_version)
        )
        return _done(row)

    @mutation(
        ReturnPayload,
        description="Receive and inspect; settles by policy.",
        scope=["returns:write"],
        emits=["return.received", "return.closed"],
    )
    async def return_receive(tx: Tx, input: ReturnReceiveInput) -> Outcome:
        row = await service.receive(
            tx,
            RETURN.parse(input.id),
            location=input.location,
            entries=[
                rules.Arrived(RETURN_LINE.parse(line.return_line_id), line.quantity, _or_none(line.disposition))
                for line in input.lines
            ],
            expected_version=_or_none(input.expected_version),
        )
        # a dry run leaves the object as it stands: it is read again
        return Outcome(ids=[row.id]) if input.dry_run else _done(row)
