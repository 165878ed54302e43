"""A shop's till for these tests: authorizes by the verb (its mutation lives in orders), reads ledger and books."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid
from sqlmodel import col, select

from oms_api import payments
from oms_api.kit import ids
from oms_api.kit.caller import Caller, system
from oms_api.kit.db import mine, param
from oms_api.kit.events import Event
from oms_api.kit.graphql import Outcome
from oms_api.payments import Operation, Payment
from oms_api.payments.models import FakeCall, FakeCharge, Payable
from world import Api, World

CAUSE = ids.Prefix("paytestcause")
PAYMENT = "id version provider status authorized { amount } captured { amount } refunded { amount }"
ERRORS = "userErrors { code message path retryable details { remainingAmount { amount } currentState providerCode } }"
CAPTURE = (
    f"mutation($input: PaymentCaptureInput!) {{ paymentCapture(input: $input) {{ payment {{ {PAYMENT} }} {ERRORS} }} }}"
)
VOID = f"mutation($input: PaymentVoidInput!) {{ paymentVoid(input: $input) {{ payment {{ {PAYMENT} }} {ERRORS} }} }}"
REFUND = (
    f"mutation($input: PaymentRefundInput!) {{ paymentRefund(input: $input) {{ payment {{ {PAYMENT} }} {ERRORS} }} }}"
)


class Till:
    """One tenant's payments. Amounts are cents."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api, self.tenant_id = world, api, api.tenant_id
        self.caller: Caller = system(api.tenant_id)

    async def begin(
        self, payable_id: UUID, amount: int = 10_000, *, ceiling: int = 10_000, provider: str = "fake", **more: Any
    ) -> Operation:
        """The intent only: as if the process died before the call."""
        return await self.world.db.run(
            lambda tx: payments.authorize(
                tx,
                payable_id=payable_id,
                amount_minor=amount,
                currency=more.get("currency", "EUR"),
                ceiling_minor=ceiling,
                provider=provider,
                reference=more.get("reference"),
            ),
            self.caller,
        )

    async def call(self, operation_id: UUID) -> Any:
        return await payments.EFFECT.call(self.world.db, self.caller, operation_id)

    async def record(self, operation_id: UUID, answer: Any) -> Outcome:
        return await self.world.db.run(lambda tx: payments.EFFECT.record(tx, operation_id, answer), self.caller)

    async def finish(self, operation: Operation) -> Outcome:
        return await self.record(operation.id, await self.call(operation.id))

    async def authorize(self, payable_id: UUID, amount: int = 10_000, **more: Any) -> Outcome:
        """Intent, call, record, as the mutation does."""
        return await self.finish(await self.begin(payable_id, amount, **more))

    async def authorized(self, amount: int = 10_000, **more: Any) -> Payment:
        """A payment of a new payable."""
        outcome = await self.authorize(ids.new(), amount, ceiling=amount, **more)
        return await self.payment(outcome.ids[0])

    async def captured(self, amount: int = 10_000, **more: Any) -> Payment:
        payment = await self.authorized(amount, **more)
        await self.api.ok(CAPTURE, input=self.input(payment))
        return await self.payment(payment.id)

    def input(self, payment: Payment, key: str | None = None, amount: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {"id": payments.PAYMENT(payment.id), "idempotencyKey": key or ids.new().hex}
        return found if amount is None else {**found, "amount": {"amount": amount, "currency": payment.currency}}

    async def put_account(self, handle: str, **config: str) -> None:
        """An account with the fake whose behaviour is configured: `capture="timeout"`."""
        await self.world.db.run(
            lambda tx: payments.put_account(tx, handle=handle, provider="fake", config=config), self.caller
        )

    async def one(self, model: type[Any], id_: UUID) -> Any:
        async with self.world.db.reading(self.tenant_id) as reading:
            statement = select(model).where(mine(model), col(model.id) == param("wanted", Uuid()))
            return await reading.first(statement, {"wanted": id_})

    async def payment(self, id_: UUID) -> Payment:
        found: Payment = await self.one(Payment, id_)
        return found

    async def operation(self, id_: UUID) -> Operation:
        found: Operation = await self.one(Operation, id_)
        return found

    async def committed(self, payable_id: UUID) -> int:
        committed: int = (await self.one(Payable, payable_id)).committed_minor
        return committed

    async def rows(self, model: type[Any]) -> list[Any]:
        async with self.world.db.reading(self.tenant_id) as reading:
            return await reading.all(select(model).where(mine(model)).order_by(col(model.id)))

    async def rows_by(self, model: type[Any], order: str) -> list[Any]:
        """Rows of a table without an `id`."""
        async with self.world.db.reading(self.tenant_id) as reading:
            return await reading.all(select(model).where(mine(model)).order_by(col(getattr(model, order))))

    async def topics(self) -> list[str]:
        return [event.topic for event in await self.rows(Event) if event.topic != "payment.operation_requested"]

    async def everything(self) -> Mapping[str, Any]:
        """All that the tenant's ledger, its log and the provider's books hold: equal before and after a refusal."""
        found = {}
        for model in (Payable, Payment, Operation, FakeCharge, FakeCall, Event):
            found[model.__tablename__] = [
                {name: value for name, value in row.__dict__.items() if name not in ("position", "pending")}
                for row in await self.rows(model)
            ]
        return found

    async def books(self) -> list[tuple[int, int, int, int]]:
        """(authorized, captured, refunded, voided) of every charge at the fake provider."""
        return [
            (row.authorized_minor, row.captured_minor, row.refunded_minor, row.voided_minor)
            for row in await self.rows(FakeCharge)
        ]


def amounts(payment: Payment) -> tuple[int, int, int, int]:
    return (payment.authorized_minor, payment.captured_minor, payment.refunded_minor, payment.voided_minor)


def in_flight(payment: Payment) -> tuple[int, int, int, int]:
    return (payment.authorizing_minor, payment.capturing_minor, payment.refunding_minor, payment.voiding_minor)
