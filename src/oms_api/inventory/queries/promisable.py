"""Stock as a promise sees it: positions, supplies, what has lapsed of both, and the rules that keep units back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Date, String, Uuid, and_, case, func, literal_column, null, or_, union_all
from sqlmodel import col

from oms_api.inventory import rules
from oms_api.inventory.models import Position, ReservationLine, StockDay, StockRule, StockRuleKind, Supply
from oms_api.inventory.queries.rows import COMING, LAPSING
from oms_api.inventory.queries.rule import in_force, kept_by_rule, scope_of
from oms_api.inventory.rules import Rule
from oms_api.kit import clock
from oms_api.kit.db import Instant, Reading, any_of, columns, json_rows, mine, now, param, prepared


class Stock(NamedTuple):
    """A position as a promise sees it: `reserved` without what has lapsed, `safety` of the position alone.

    `rule` is what a stock rule keeps back here in place of any other safety stock, None when there is none; `allowed`
    how many units may still be promised here today, `threshold` and `channel_allowed` the channel's withheld units and
    how many it may still promise today, each None when no rule says so.
    """

    sku: str
    location_id: UUID
    on_hand: int
    reserved: int
    safety: int
    updated_at: datetime
    rule: int | None = None
    allowed: int | None = None
    threshold: int | None = None
    channel_allowed: int | None = None

    def free(self, safety: int = 0) -> int:
        """Units that can be promised now, below 0 when too many are; the location keeps `safety` of every SKU unless a
        rule says otherwise."""
        units = self.on_hand - self.reserved - (self.safety + safety if self.rule is None else self.rule)
        return units if self.allowed is None else min(units, self.allowed)


class Incoming(NamedTuple):
    """A supply as a promise sees it: `quantity` is still to come and not promised; `expected_at` with confidence."""

    id: UUID
    sku: str
    location_id: UUID
    quantity: int
    expected_at: datetime


def _zero() -> Any:
    return literal_column("0", BigInteger())


KINDS = (StockRuleKind.SAFETY_STOCK, StockRuleKind.THRESHOLD, StockRuleKind.MAX_PER_DAY)


def parts_of_stock(*, at: bool, limits: bool) -> list[Any]:
    """Positions, supplies, what lapsed of both, the rules that speak of them and what was promised today, told apart by
    `part`, each through an index of its own. `at`: of some locations; `limits`: rules for one method and channel."""
    chosen: list[Any] = []
    parts: tuple[tuple[Any, ...], ...] = (
        (
            0,
            Position,
            col(Position.sku),
            col(Position.location_id),
            null().cast(Uuid()).label("of"),
            col(Position.on_hand).label("units"),
            col(Position.reserved).label("reserved"),
            col(Position.safety_stock).label("safety"),
            col(Position.updated_at).label("at"),
            null().cast(String()).label("word"),
        ),
        (
            1,
            Supply,
            col(Supply.sku),
            col(Supply.location_id),
            col(Supply.id),
            col(Supply.quantity),
            col(Supply.reserved),
            _zero(),
            func.coalesce(col(Supply.confident_at), col(Supply.expected_at)),
            null().cast(String()),
        ),
        (
            2,
            ReservationLine,
            col(ReservationLine.sku),
            col(ReservationLine.location_id),
            col(ReservationLine.supply_id),
            func.sum(col(ReservationLine.quantity)).cast(BigInteger()),
            _zero(),
            _zero(),
            null().cast(Instant()),
            null().cast(String()),
        ),
        (
            3,
            StockRule,
            col(StockRule.sku),
            col(StockRule.location_id),
            null().cast(Uuid()),
            col(StockRule.units),
            case({kind: i for i, kind in enumerate(KINDS)}, value=col(StockRule.kind)).cast(BigInteger()),
            _zero(),
            col(StockRule.starts_at),
            func.coalesce(col(StockRule.method), col(StockRule.channel)),
        ),
        (
            4,
            StockDay,
            col(StockDay.sku),
            null().cast(Uuid()),
            null().cast(Uuid()),
            col(StockDay.promised),
            _zero(),
            _zero(),
            null().cast(Instant()),
            col(StockDay.scope),
        ),
    )
    for part, model, *rest in parts:
        statement = columns(literal_column(str(part), BigInteger()).label("part"), *rest).where(
            mine(model), any_of(model.sku, "skus")
        )
        if at and part < 3:
            statement = statement.where(any_of(model.location_id, "locations"))
        if model is Supply:
            statement = statement.where(COMING)
        if model is ReservationLine:
            statement = statement.where(LAPSING, col(ReservationLine.expires_at) <= now()).group_by(
                col(ReservationLine.sku), col(ReservationLine.location_id), col(ReservationLine.supply_id)
            )
        if model is StockRule:
            statement = statement.where(in_force())
        if model is StockRule and limits:
            statement = statement.where(
                or_(col(StockRule.method).is_(None), col(StockRule.method) == param("method", String())),
                or_(col(StockRule.channel).is_(None), col(StockRule.channel) == param("channel", String())),
            )
        if model is StockDay:
            statement = statement.where(col(StockDay.day) == param("day", Date()))
        chosen.append(statement)
    return chosen


def together(parts: Sequence[Any]) -> Any:
    """Parts as one statement."""
    return prepared(columns(*union_all(*parts).subquery("stock").c))


_STOCK = together(parts_of_stock(at=False, limits=True))
_STOCK_AT = together(parts_of_stock(at=True, limits=True))


async def stock(
    reading: Reading,
    skus: Sequence[str],
    location_ids: Sequence[UUID] | None,
    *,
    method: str | None = None,
    channel: str | None = None,
) -> tuple[list[Stock], list[Incoming]]:
    """Positions and supplies of these SKUs, at these locations or all. Expired reservations hold nothing.

    `method` is how the units are to be delivered and `channel` (a handle) where they are sold: stock rules of others
    do not count. One statement; SKUs without a position are left out.
    """
    values: dict[str, Any] = {"skus": skus, "method": method, "channel": channel, "day": clock.now().date()}
    if location_ids is None:
        rows = await reading.all(_STOCK, values)
    else:
        rows = await reading.all(_STOCK_AT, {**values, "locations": location_ids})
    positions, supplies = net(rows)
    return (ruled(positions, rows, channel) if any(row.part == 3 for row in rows) else positions), supplies


def net(rows: Sequence[Any]) -> tuple[list[Stock], list[Incoming]]:
    """Positions and supplies of these rows, without what has lapsed of them; what rules say is left out."""
    lapsed = {row.of or (row.sku, row.location_id): row.units for row in rows if row.part == 2}
    free = lapsed.get
    positions = [
        Stock(
            row.sku,
            row.location_id,
            row.units,
            row.reserved - free((row.sku, row.location_id), 0) if lapsed else row.reserved,
            row.safety,
            row.at,
        )
        for row in rows
        if row.part == 0
    ]
    supplies = [
        Incoming(row.of, row.sku, row.location_id, left, row.at)
        for row in rows
        if row.part == 1 and (left := row.units - row.reserved + free(row.of, 0)) > 0
    ]
    return positions, supplies


def ruled(positions: Sequence[Stock], rows: Sequence[Any], channel: str | None) -> list[Stock]:
    """Positions with what the rules say of each."""
    of: dict[str, list[Rule]] = defaultdict(list)
    promised: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.part == 3:
            kind = KINDS[row.reserved]
            by_method = row.word if kind is StockRuleKind.SAFETY_STOCK else None
            of[row.sku].append(
                Rule(kind, row.location_id, by_method, None if by_method else row.word, row.units, row.at)
            )
        elif row.part == 4:
            promised[row.sku, row.word] = row.units

    def left(sku: str, location_id: UUID | None) -> int | None:
        units = rules.allowance(of[sku], location_id)
        if units is None:
            return None
        return max(0, units - promised.get((sku, scope_of(location_id, channel)), 0))

    whole = {sku: (rules.withheld(known), left(sku, None)) for sku, known in of.items()}
    return [
        row._replace(
            rule=rules.kept(of[row.sku], row.location_id),
            allowed=left(row.sku, row.location_id),
            threshold=whole[row.sku][0],
            channel_allowed=whole[row.sku][1],
        )
        if row.sku in of
        else row
        for row in positions
    ]


# --- beside a position ---------------------------------------------------------------------------------------------


class Beside(NamedTuple):
    """What a position's row does not say: units held by expired reservations, units expected, and what a stock rule
    keeps back whatever the delivery method (None: no rule does)."""

    lapsed: int
    incoming: int
    rule: int | None = None


_beside = json_rows("keys", {"sku": String(), "location_id": Uuid()})


def _at(model: Any, part: str, *conditions: Any) -> Any:
    return (
        columns(
            literal_column(part, BigInteger()).label("part"),
            _beside.c.sku,
            _beside.c.location_id,
            func.sum(col(model.quantity)).cast(BigInteger()).label("units"),
        )
        .join(_beside, and_(col(model.sku) == _beside.c.sku, col(model.location_id) == _beside.c.location_id))
        .where(mine(model), *conditions)
        .group_by(_beside.c.sku, _beside.c.location_id)
    )


_both = union_all(
    _at(Supply, "0", COMING),
    _at(
        ReservationLine,
        "1",
        LAPSING,
        col(ReservationLine.supply_id).is_(None),
        col(ReservationLine.expires_at) <= now(),
    ),
    columns(
        literal_column("2", BigInteger()),
        _beside.c.sku,
        _beside.c.location_id,
        kept_by_rule(_beside.c.sku, _beside.c.location_id, null()),
    ),
).subquery("beside")
_BESIDE = prepared(columns(*_both.c))


async def beside(reading: Reading, keys: Sequence[tuple[str, UUID]]) -> Mapping[tuple[str, UUID], Beside]:
    """By (SKU, location), for every key asked."""
    found: dict[tuple[str, UUID], list[Any]] = {key: [0, 0, None] for key in keys}
    rows = await reading.all(_BESIDE, {"keys": [{"sku": sku, "location_id": id_} for sku, id_ in found]})
    for row in rows:
        found[row.sku, row.location_id][row.part] = row.units
    return {key: Beside(lapsed, incoming, rule) for key, (incoming, lapsed, rule) in found.items()}
