"""Stock rules in force: as rows, and as the units that one keeps back inside a guarded statement."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, String, and_, exists, or_
from sqlmodel import col, select

from oms_api.inventory.models import StockDay, StockRule, StockRuleKind
from oms_api.inventory.rules import Rule
from oms_api.kit.db import Reading, any_of, columns, mine, now, param, prepared


def in_force() -> Any:
    """A rule that applies at this instant."""
    return and_(
        or_(col(StockRule.starts_at).is_(None), col(StockRule.starts_at) <= now()),
        or_(col(StockRule.ends_at).is_(None), col(StockRule.ends_at) > now()),
    )


def kept_by_rule(sku: Any, location_id: Any, method: Any) -> Any:
    """Units that the most specific rule keeps back of a SKU at a location; null when none speaks of it.

    In the order of `rules.strongest`.
    """
    return (
        columns(col(StockRule.units))
        .where(
            mine(StockRule),
            col(StockRule.sku) == sku,
            col(StockRule.kind) == StockRuleKind.SAFETY_STOCK,
            or_(col(StockRule.location_id).is_(None), col(StockRule.location_id) == location_id),
            or_(col(StockRule.method).is_(None), col(StockRule.method) == method),
            in_force(),
        )
        .order_by(
            col(StockRule.location_id).is_(None),
            col(StockRule.method).is_(None),
            col(StockRule.starts_at).is_(None),
            col(StockRule.starts_at).desc(),
            col(StockRule.units).desc(),
        )
        .limit(1)
        .scalar_subquery()
    )


def capped_by_rule(sku: Any) -> Any:
    """Whether units of a SKU are counted by day."""
    return exists().where(
        mine(StockRule), col(StockRule.sku) == sku, col(StockRule.kind) == StockRuleKind.MAX_PER_DAY, in_force()
    )


def rule_of(row: Any) -> Rule:
    return Rule(row.kind, row.location_id, row.method, row.channel, row.units, row.starts_at)


def scope_of(location_id: Any = None, channel: str | None = None) -> str:
    """How `stock_days` names where it counts."""
    return f"location:{location_id.hex}" if location_id is not None else f"channel:{channel}"


_BY_HANDLE = prepared(select(StockRule).where(mine(StockRule), any_of(StockRule.handle, "handles")))
_BY_ID = prepared(select(StockRule).where(mine(StockRule), any_of(StockRule.id, "ids")))
_CAPS = prepared(
    select(StockRule).where(
        mine(StockRule),
        any_of(StockRule.sku, "skus"),
        col(StockRule.kind) == StockRuleKind.MAX_PER_DAY,
        or_(col(StockRule.channel).is_(None), col(StockRule.channel) == param("channel", String())),
        in_force(),
    )
)
_DAYS = prepared(
    select(StockDay).where(mine(StockDay), any_of(StockDay.sku, "skus"), col(StockDay.day) == param("day", Date()))
)


async def rules_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, StockRule]:
    return {row.handle: row for row in await reading.all(_BY_HANDLE, {"handles": handles})}


async def rules_by_id(reading: Reading, ids: Sequence[Any]) -> Mapping[Any, StockRule]:
    return {row.id: row for row in await reading.all(_BY_ID, {"ids": ids})}


async def caps(reading: Reading, skus: Sequence[str], channel: str | None) -> list[StockRule]:
    """MAX_PER_DAY rules in force of these SKUs: of any location, and of this channel."""
    found: list[StockRule] = await reading.all(_CAPS, {"skus": skus, "channel": channel})
    return found


async def counted(reading: Reading, skus: Sequence[str], day: date) -> Mapping[tuple[str, str], int]:
    """Units promised on a day, by SKU and scope."""
    return {(row.sku, row.scope): row.promised for row in await reading.all(_DAYS, {"skus": skus, "day": day})}


def _page(*, skus: bool, after: bool) -> Any:
    statement = select(StockRule).where(mine(StockRule))
    if skus:
        statement = statement.where(any_of(StockRule.sku, "skus"))
    if after:
        statement = statement.where(col(StockRule.handle) > param("after"))
    return prepared(statement.order_by(col(StockRule.handle)).limit(param("size", BigInteger())))


_PAGES = {(skus, after): _page(skus=skus, after=after) for skus in (False, True) for after in (False, True)}


async def rule_page(reading: Reading, *, skus: Sequence[str] | None, after: str | None, limit: int) -> list[StockRule]:
    """Rules in the order of their handles."""
    values: dict[str, Any] = {"size": limit}
    if skus is not None:
        values["skus"] = skus
    if after is not None:
        values["after"] = after
    found: list[StockRule] = await reading.all(_PAGES[skus is not None, after is not None], values)
    return found
