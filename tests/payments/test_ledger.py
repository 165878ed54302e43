"""Whatever is asked in whatever order, interrupted wherever: our ledger equals the provider's books."""

import contextlib
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oms_api import payments
from oms_api.kit import ids
from oms_api.kit.errors import Refusal
from oms_api.payments import Operation, OperationState, Payment, rules
from oms_api.payments.fake import customer_acts
from oms_api.payments.models import FakeCharge
from oms_api.payments.service import carry_out
from world import World, travel

from .till import CAUSE, Till

CEILING = 100
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["authorize", "capture", "void", "refund", "refund_payable", "void_payable", "customer", "timer"]
        ),
        st.integers(0, 2),  # which payment
        st.one_of(st.none(), st.integers(1, CEILING)),
        st.sampled_from(["ok", "ok", "decline", "timeout", "lost_answer", "requires_action"]),
        st.sampled_from(["to the end", "to the end", "before the call", "before the record"]),
    ),
    min_size=3,
    max_size=14,
)


class Run:
    """One payable of a fresh tenant, and the clock that only goes forward."""

    def __init__(self, till: Till) -> None:
        self.till, self.payable, self.later = till, ids.new(), timedelta()

    async def step(self, what: str, index: int, amount: int | None, behaviour: str, until: str) -> None:
        till, db = self.till, self.till.world.db
        rows = await till.rows(Payment)
        payment = rows[index % len(rows)] if rows else None
        if what == "timer":
            self.later += timedelta(hours=1)
            return await self.timer()
        if what == "customer":
            if payment and payment.provider_reference:
                await customer_acts(db, till.caller, payment.provider_reference)
            return None
        if what == "authorize":
            reference = behaviour
            begun = await till.begin(self.payable, amount or CEILING, ceiling=CEILING, reference=reference)
        elif what == "refund_payable":
            await db.run(
                lambda tx: payments.refund_payable(tx, self.payable, amount or 1, cause=CAUSE.ref(ids.new())),
                till.caller,
            )
            return None
        elif what == "void_payable":
            await db.run(lambda tx: payments.void_payable(tx, self.payable), till.caller)
            return None
        elif payment is None:
            return None
        else:
            verb: Any = getattr(payments, what)
            asked = {} if what == "void" else {"amount_minor": amount}
            begun = await db.run(lambda tx: verb(tx, payment.id, attended=True, **asked), till.caller)
        if until != "before the call":
            answer = await till.call(begun.id)
            if until != "before the record":
                await till.record(begun.id, answer)
        return None

    async def timer(self) -> None:
        with travel(seconds=self.later.total_seconds()):
            for row in await self.till.rows(Operation):
                await carry_out(self.till.world.db, self.till.tenant_id, row.id)

    async def check(self) -> None:
        rows = await self.till.rows(Payment)
        for row in rows:
            assert 0 <= row.refunded_minor <= row.captured_minor <= row.authorized_minor
        committed = sum(rules.committed(row.__dict__) for row in rows)
        if rows:
            assert committed == await self.till.committed(self.payable) <= CEILING
        async with self.till.world.db.reading(self.till.tenant_id) as reading:
            totals = (await payments.totals(reading, [self.payable]))[self.payable]
        assert (totals.committed, totals.open) == (committed, committed - totals.captured + totals.refunded)

    async def come_to_rest(self) -> None:
        for _ in range(8):
            self.later += timedelta(hours=5)
            await self.timer()
        states = {row.state for row in await self.till.rows(Operation)}
        assert states <= {OperationState.SUCCEEDED, OperationState.FAILED}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_the_ledger_equals_the_books_of_the_provider(world: World, steps: list[Any]) -> None:
    run = Run(Till(world, await world.tenant()))
    await run.till.put_account("fake", capture="lost_answer", void="timeout", refund="lost_answer")
    for step in steps:
        with contextlib.suppress(Refusal):  # whether it was right to refuse is what the comparison below says
            await run.step(*step)
        await run.check()
    await run.come_to_rest()
    await run.check()
    charges = {row.id: row for row in await run.till.rows(FakeCharge)}
    of_payment = {row.payment_id: row.id for row in await run.till.rows(Operation) if row.kind == "AUTHORIZE"}
    for payment in await run.till.rows(Payment):
        charge = charges.get(of_payment[payment.id])
        # what the customer agreed to in the moment in which it was let go: the provider authorized and voided it,
        # we let the intent go; what is held is the same
        ours = (payment.authorized_minor - payment.voided_minor, payment.captured_minor, payment.refunded_minor)
        theirs = (0, 0, 0)
        if charge:
            theirs = (charge.authorized_minor - charge.voided_minor, charge.captured_minor, charge.refunded_minor)
        assert ours == theirs
