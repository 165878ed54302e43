"""A payment provider for the demo and the tests: as strict as a real one, with its own memory.

What it does is chosen by the method (`providerReference`) of an authorization, and for every kind of operation by the
account's configuration, `{"capture": "timeout"}`:

    ok               it does it (also when nothing is chosen)
    decline          it refuses, code `card_declined`
    requires_action  the customer must act first (`customer_acts`); AUTHORIZE only
    timeout          no answer and nothing done; the same key sent again succeeds
    lost_answer      it does it, but the answer is lost; the same key sent again finds it done
    away             never an answer, nothing done (configuration only)

It remembers keys and amounts in tables of its own, written in its own transactions: they survive a kill. The same key
with another content is refused, and so are a capture beyond the authorization and a refund beyond the capture.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col, select

from oms_api.kit.caller import Caller
from oms_api.kit.db import Database, Tx, mine, param, prepared, table_of
from oms_api.payments.models import FakeCall, FakeCharge, OperationKind
from oms_api.payments.provider import Answer, Ask, Result

BEHAVIOURS = ("ok", "decline", "requires_action", "timeout", "lost_answer")
ACTION_URL = "https://fake-payments.example/act/"
_REFERENCE = "fake_"

_amount = param("amount", BigInteger())
_GUARDS: dict[OperationKind, Any] = {
    OperationKind.CAPTURE: FakeCharge.captured_minor + FakeCharge.voided_minor + _amount <= FakeCharge.authorized_minor,
    OperationKind.VOID: FakeCharge.captured_minor + FakeCharge.voided_minor + _amount <= FakeCharge.authorized_minor,
    OperationKind.REFUND: FakeCharge.refunded_minor + _amount <= FakeCharge.captured_minor,
}
_CHANGES: dict[OperationKind, dict[str, Any]] = {
    OperationKind.CAPTURE: {"captured_minor": FakeCharge.captured_minor + _amount},
    OperationKind.VOID: {"voided_minor": FakeCharge.voided_minor + _amount},
    OperationKind.REFUND: {"refunded_minor": FakeCharge.refunded_minor + _amount},
}
_BEYOND = {
    OperationKind.CAPTURE: "exceeds_authorization",
    OperationKind.VOID: "exceeds_authorization",
    OperationKind.REFUND: "exceeds_capture",
}


def _charge(*conditions: Any) -> Any:
    return update(table_of(FakeCharge)).where(
        mine(FakeCharge), col(FakeCharge.id) == param("charge", Uuid()), *conditions
    )


_DO = {kind: prepared(_charge(_GUARDS[kind]).values(**_CHANGES[kind])) for kind in _GUARDS}
_CANCEL = prepared(_charge(col(FakeCharge.waiting_minor) > 0).values(waiting_minor=0))
_ACT = prepared(
    _charge(col(FakeCharge.waiting_minor) > 0).values(
        authorized_minor=FakeCharge.authorized_minor + FakeCharge.waiting_minor, waiting_minor=0
    )
)
_CHARGE = prepared(
    select(FakeCharge).where(mine(FakeCharge), col(FakeCharge.id) == param("charge", Uuid())).with_for_update()
)
_REMEMBER = prepared(
    update(table_of(FakeCall))
    .where(mine(FakeCall), col(FakeCall.id) == param("key", Uuid()))
    .values(result=param("answered"), code=param("with_code"))
)


def reference(charge_id: UUID) -> str:
    return f"{_REFERENCE}{charge_id.hex}"


async def carry_out(db: Database, caller: Caller, ask: Ask) -> Answer:
    """Do as asked, in a transaction of the provider's own."""
    return await db.run(lambda tx: _carry_out(tx, ask), caller)


async def customer_acts(db: Database, caller: Caller, provider_reference: str) -> bool:
    """The customer agrees in the provider's form; false when nothing waits for it."""
    charge_id = _charge_id(provider_reference)
    return bool(await db.run(lambda tx: tx.run(_ACT, {"charge": charge_id}), caller))


def _charge_id(provider_reference: str | None) -> UUID:
    return UUID(hex=(provider_reference or "").removeprefix(_REFERENCE))


async def _carry_out(tx: Tx, ask: Ask) -> Answer:
    authorizing = ask.kind is OperationKind.AUTHORIZE
    charge_id = ask.key if authorizing else _charge_id(ask.charge)
    content = {
        "kind": ask.kind,
        "charge_id": charge_id,
        "amount_minor": ask.amount_minor,
        "currency": ask.currency,
    }
    row = {"tenant_id": tx.tenant_id, "id": ask.key, **content, "calls": 1}
    (call,) = await tx.upsert(FakeCall, [row], key=("tenant_id", "id"), add=("calls",))
    if any(getattr(call, name) != value for name, value in content.items()):
        return Answer(Result.DECLINED, code="idempotency_key_reused")
    if call.result is not None:
        return _answer(ask, charge_id, call.result, call.code)
    behaviour = ask.config.get(ask.kind.lower()) or (ask.method if authorizing else None) or "ok"
    if behaviour == "away" or (behaviour == "timeout" and call.calls == 1):
        return Answer(Result.UNANSWERED, code="timeout")
    result, code = await _decide(tx, ask, charge_id, behaviour)
    if result is not Result.REQUIRES_ACTION:
        await tx.run(_REMEMBER, {"key": ask.key, "answered": result, "with_code": code})
    if behaviour == "lost_answer" and call.calls == 1:
        return Answer(Result.UNANSWERED, code="timeout")
    return _answer(ask, charge_id, result, code)


async def _decide(tx: Tx, ask: Ask, charge_id: UUID, behaviour: str) -> tuple[Result, str | None]:
    if behaviour == "decline":
        return Result.DECLINED, "card_declined"
    if ask.kind is not OperationKind.AUTHORIZE:
        return await _move(tx, ask, charge_id)
    if behaviour not in BEHAVIOURS:
        return Result.DECLINED, "no_such_method"
    waits = behaviour == "requires_action"
    (charge,) = await tx.upsert(
        FakeCharge,
        [
            {
                "tenant_id": tx.tenant_id,
                "id": charge_id,
                "currency": ask.currency,
                "waiting_minor": ask.amount_minor if waits else 0,
                "authorized_minor": 0 if waits else ask.amount_minor,
            }
        ],
        key=("tenant_id", "id"),
    ) or await tx.all(_CHARGE, {"charge": charge_id})
    if charge.authorized_minor:
        return Result.OK, None
    return (Result.REQUIRES_ACTION, None) if charge.waiting_minor else (Result.DECLINED, "canceled")


async def _move(tx: Tx, ask: Ask, charge_id: UUID) -> tuple[Result, str | None]:
    charge = await tx.first(_CHARGE, {"charge": charge_id})
    if charge is None:
        return Result.DECLINED, "no_such_charge"
    if charge.currency != ask.currency:
        return Result.DECLINED, "wrong_currency"
    if ask.kind is OperationKind.VOID and await tx.run(_CANCEL, {"charge": charge_id}):
        return Result.OK, None
    moved = await tx.run(_DO[ask.kind], {"charge": charge_id, "amount": ask.amount_minor})
    return (Result.OK, None) if moved else (Result.DECLINED, _BEYOND[ask.kind])


def _answer(ask: Ask, charge_id: UUID, result: str, code: str | None) -> Answer:
    waits = result == Result.REQUIRES_ACTION
    return Answer(
        Result(result),
        reference=reference(charge_id),
        code=code,
        client_secret=f"{reference(charge_id)}_secret" if waits else None,
        next_action_url=f"{ACTION_URL}{reference(charge_id)}" if waits else None,
    )
