"""Every SELECT of payments."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, func
from sqlmodel import col, select

from oms_api.kit.db import Reading, any_of, columns, mine, now, param, prepared
from oms_api.payments.models import Operation, OperationState, Payment, ProviderAccount

DUE_BATCH_MAX = 100
UNRESOLVED_MAX = 100
ACCOUNTS_MAX = 20

_PAYMENTS = prepared(select(Payment).where(mine(Payment), any_of(Payment.id, "ids")))
_PAYMENTS_OF = prepared(
    select(Payment)
    .where(mine(Payment), any_of(Payment.payable_id, "payables"))
    .order_by(col(Payment.payable_id), col(Payment.id))
)
_LOCKED = prepared(select(Payment).where(mine(Payment), col(Payment.id) == param("payment", Uuid())).with_for_update())
_LOCKED_OF = prepared(
    select(Payment)
    .where(mine(Payment), col(Payment.payable_id) == param("payable", Uuid()))
    .order_by(col(Payment.id))
    .with_for_update()
)
_LOCKED_BY_OPERATION = prepared(
    select(Payment)
    .where(
        mine(Payment),
        col(Payment.id)
        == select(Operation.payment_id)
        .where(mine(Operation), col(Operation.id) == param("operation", Uuid()))
        .scalar_subquery(),
    )
    .with_for_update()
)
_OPERATION = prepared(select(Operation).where(mine(Operation), col(Operation.id) == param("operation", Uuid())))
_OF_CAUSE = prepared(
    select(Operation)
    .where(
        mine(Operation),
        col(Operation.payable_id) == param("payable", Uuid()),
        col(Operation.cause) == param("cause"),
        col(Operation.kind) == param("kind"),
    )
    .order_by(col(Operation.id))
)
_TOTALS = prepared(
    columns(
        Payment.payable_id,
        func.sum(Payment.authorized_minor).label("authorized"),
        func.sum(Payment.captured_minor).label("captured"),
        func.sum(Payment.refunded_minor).label("refunded"),
        func.sum(Payment.voided_minor).label("voided"),
        func.sum(Payment.authorizing_minor).label("authorizing"),
    )
    .where(mine(Payment), any_of(Payment.payable_id, "payables"))
    .group_by(col(Payment.payable_id))
)
_ACCOUNTS = prepared(select(ProviderAccount).where(mine(ProviderAccount)).order_by(col(ProviderAccount.handle)))
_ACCOUNT = prepared(
    select(ProviderAccount).where(mine(ProviderAccount), col(ProviderAccount.handle) == param("handle"))
)
_ACCOUNT_OF_CALLBACK = prepared(select(ProviderAccount).where(col(ProviderAccount.id) == param("account", Uuid())))
_ACCOUNTS_CALLED_BACK = prepared(
    select(ProviderAccount)
    .where(col(ProviderAccount.provider) == "stripe")
    .order_by(col(ProviderAccount.created_at))
    .limit(ACCOUNTS_MAX)
)
_OF_CHARGE = prepared(select(Payment.id).where(mine(Payment), col(Payment.provider_reference) == param("charge")))
_OPEN = prepared(
    select(Operation)
    .where(
        mine(Operation),
        col(Operation.payment_id) == param("payment", Uuid()),
        col(Operation.state) != OperationState.SUCCEEDED,
        col(Operation.state) != OperationState.FAILED,
    )
    .order_by(col(Operation.id))
)
_OVERDUE = prepared(
    columns(Payment.tenant_id, Payment.id)
    .where(col(Payment.due_at) <= now(), col(Payment.overdue_at).is_(None))
    .order_by(col(Payment.due_at))
    .limit(DUE_BATCH_MAX)
)
_DUE = prepared(
    columns(Operation.tenant_id, Operation.id)
    .where(col(Operation.next_attempt_at) <= now())
    .order_by(col(Operation.next_attempt_at))
    .limit(DUE_BATCH_MAX)
)
_UNRESOLVED = prepared(
    select(Operation)
    .where(col(Operation.state) == OperationState.UNKNOWN)
    .order_by(col(Operation.created_at))
    .limit(UNRESOLVED_MAX)
)


class Totals(NamedTuple):
    """Sums over the payments of a payable, minor units.

    `open`: authorized, not captured and not voided, operations in flight included; `committed`: what a new
    authorization must leave room for.
    """

    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    open: int = 0
    committed: int = 0


async def totals(reading: Reading, payable_ids: Sequence[UUID]) -> Mapping[UUID, Totals]:
    """Of every payable that is asked for, zeros where nothing was paid. One statement."""
    found = dict.fromkeys(payable_ids, Totals())
    for row in await reading.all(_TOTALS, {"payables": payable_ids}):
        # PostgreSQL sums BIGINT to NUMERIC
        authorized, captured, refunded = int(row.authorized), int(row.captured), int(row.refunded)
        held = authorized + int(row.authorizing) - int(row.voided)
        found[row.payable_id] = Totals(authorized, captured, refunded, held - captured, held - refunded)
    return found


async def payments_of(reading: Reading, payable_ids: Sequence[UUID]) -> Mapping[UUID, list[Payment]]:
    """Oldest first. One statement."""
    found: dict[UUID, list[Payment]] = defaultdict(list)
    for row in await reading.all(_PAYMENTS_OF, {"payables": payable_ids}):
        found[row.payable_id].append(row)
    return found


async def payments_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Payment]:
    return {row.id: row for row in await reading.all(_PAYMENTS, {"ids": ids})}


async def locked(reading: Reading, payment_id: UUID) -> Payment | None:
    """The payment, locked until commit."""
    found: Payment | None = await reading.first(_LOCKED, {"payment": payment_id})
    return found


async def locked_of(reading: Reading, payable_id: UUID) -> list[Payment]:
    """A payable's payments, locked in the order of their ids."""
    return await reading.all(_LOCKED_OF, {"payable": payable_id})


async def locked_by_operation(reading: Reading, operation_id: UUID) -> Payment | None:
    found: Payment | None = await reading.first(_LOCKED_BY_OPERATION, {"operation": operation_id})
    return found


async def operation(reading: Reading, operation_id: UUID) -> Operation | None:
    found: Operation | None = await reading.first(_OPERATION, {"operation": operation_id})
    return found


async def operations_of_cause(reading: Reading, payable_id: UUID, cause: str, kind: str) -> list[Operation]:
    return await reading.all(_OF_CAUSE, {"payable": payable_id, "cause": cause, "kind": kind})


async def accounts(reading: Reading) -> list[ProviderAccount]:
    return await reading.all(_ACCOUNTS)


async def account(reading: Reading, handle: str) -> ProviderAccount | None:
    found: ProviderAccount | None = await reading.first(_ACCOUNT, {"handle": handle})
    return found


async def accounts_called_back(reading: Reading) -> list[ProviderAccount]:
    """Accounts to which callbacks come. Spans tenants: only `oms doctor` asks."""
    return await reading.all(_ACCOUNTS_CALLED_BACK)


async def account_of_callback(reading: Reading, account_id: UUID) -> ProviderAccount | None:
    """Whose account it is, before the tenant is known: the id is all that a callback's address says."""
    found: ProviderAccount | None = await reading.first(_ACCOUNT_OF_CALLBACK, {"account": account_id})
    return found


async def payment_of_charge(reading: Reading, charge: str) -> UUID | None:
    """The payment whose authorization the provider knows by this reference."""
    found: UUID | None = await reading.first(_OF_CHARGE, {"charge": charge})
    return found


async def open_operations(reading: Reading, payment_id: UUID) -> list[Operation]:
    """A payment's operations that a provider's answer can still settle, oldest first."""
    return await reading.all(_OPEN, {"payment": payment_id})


async def overdue(reading: Reading) -> Sequence[tuple[UUID, UUID]]:
    """(tenant, payment) that somebody else was to collect by now. Spans tenants: only the timer asks."""
    return [(row.tenant_id, row.id) for row in await reading.all(_OVERDUE)]


async def due(reading: Reading) -> Sequence[tuple[UUID, UUID]]:
    """(tenant, operation) whose next attempt has come. Spans tenants: only the timer asks."""
    return [(row.tenant_id, row.id) for row in await reading.all(_DUE)]


async def unresolved(reading: Reading) -> list[Operation]:
    """Operations that were given up unanswered. Spans tenants: only `oms doctor` asks."""
    return await reading.all(_UNRESOLVED)
