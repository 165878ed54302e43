"""Every SELECT of promising: its ATP rules, remembered for as long as the tenant's policy has the same name."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import col, select

from oms_api.kit.db import Reading, Tx, any_of, mine, prepared
from oms_api.kit.remembered import Remembered
from oms_api.network import Network
from oms_api.promising.models import AtpRule
from oms_api.promising.rules import atp

RULEBOOKS_REMEMBERED_MAX = 64

_RULES = prepared(select(AtpRule).where(mine(AtpRule)).order_by(col(AtpRule.handle)))
_LOCKED = prepared(
    select(AtpRule)
    .where(mine(AtpRule), any_of(AtpRule.handle, "handles"))
    .order_by(col(AtpRule.handle))
    .with_for_update(key_share=True)
)
_BY_ID = prepared(select(AtpRule).where(mine(AtpRule), any_of(AtpRule.id, "ids")))


class Applied(NamedTuple):
    """The rule of a SKU; `handle` None: nobody has put one, ATP is cumulative with look-ahead."""

    handle: str | None
    rule: atp.Rule
    generators: tuple[dict[str, Any], ...] = ()


class Rulebook(NamedTuple):
    """Which rule applies to which SKU."""

    by_sku: Mapping[str, Applied]
    others: Applied

    def of(self, sku: str) -> Applied:
        return self.by_sku.get(sku, self.others)


PLAIN = Rulebook({}, Applied(None, atp.DEFAULT))

_remembered: Remembered[UUID, Rulebook] = Remembered(RULEBOOKS_REMEMBERED_MAX)


async def atp_rules(reading: Reading) -> list[AtpRule]:
    """All of them, by handle."""
    return await reading.all(_RULES)


async def locked_rules(tx: Tx, handles: Sequence[str]) -> list[AtpRule]:
    """These rules, locked until the transaction ends: who sells what they bring waits for each other."""
    return await tx.all(_LOCKED, {"handles": handles})


async def atp_rules_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, AtpRule]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def rulebook_of(reading: Reading, network: Network) -> Rulebook:
    """Which ATP rule applies to which SKU. No statement when nobody has put any, or when this process knows them."""
    policy = network.policy
    if policy is None:
        return PLAIN
    found = _remembered.get(reading.tenant_id, policy)
    if found is not None:
        return found
    by_sku: dict[str, Applied] = {}
    others = PLAIN.others
    for row in await atp_rules(reading):
        if row.active:
            applied = applied_of(row)
            by_sku |= dict.fromkeys(row.skus, applied)
            others = others if row.skus else applied
    book = Rulebook(by_sku, others)
    _remembered.put(reading.tenant_id, policy, book)
    return book


def applied_of(row: AtpRule) -> Applied:
    """A row as it is applied."""
    rule = atp.Rule(
        mode=row.mode,
        past_due_supply_days=row.past_due_supply_days,
        past_due_demand_days=row.past_due_demand_days,
        delayed_offset_days=row.delayed_offset_days,
        horizon_days=row.horizon_days,
        lead_time_days=row.lead_time_days,
        period_days=row.period_days,
        backward=row.consume_backward,
        forward=row.consume_forward,
        accumulation_periods=row.accumulation_periods,
    )
    return Applied(row.handle, rule, tuple(row.generators))
