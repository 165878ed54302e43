"""What is newer in a tenant's log than what somebody has seen of it, alone or together with stock that is read anew.

Each row tells its part, as those of `promisable` do.
"""

from typing import Any

from sqlalchemy import BigInteger, String, Uuid, case, cast, func, literal_column, null, or_
from sqlmodel import col

from oms_api.inventory.events import (
    InventoryAdjusted,
    InventoryCounted,
    InventoryRuleChanged,
    ReservationAdopted,
    ReservationCreated,
    ReservationExpired,
    ReservationExtended,
    ReservationFilled,
    ReservationMoved,
    ReservationReleased,
    ReservationShort,
    SupplyAnnounced,
    SupplyChanged,
    SupplyReceived,
)
from oms_api.inventory.models import ReservationLine, StockRule
from oms_api.inventory.queries.promisable import parts_of_stock, together
from oms_api.inventory.queries.rows import LAPSING
from oms_api.kit.db import Instant, any_of, columns, json_rows, mine, now, param
from oms_api.kit.events import Event, EventLog

NEWS_MAX = 500
"""So many new facts of a tenant are looked at; when there are more, everything of it is read again."""

# every fact that tells of a change of what `stock()` gives; their data name the SKUs
TOPICS = [
    fact.topic
    for fact in (
        InventoryAdjusted, InventoryCounted, InventoryRuleChanged, ReservationAdopted, ReservationCreated,
        ReservationExpired, ReservationExtended, ReservationFilled, ReservationMoved, ReservationReleased,
        ReservationShort, SupplyAnnounced, SupplyChanged, SupplyReceived,
    )
]  # fmt: skip


def _zero() -> Any:
    return literal_column("0", BigInteger())


def _news(order: Any, *conditions: Any) -> Any:
    """Facts: `sku` is the topic, `units` the position, `word` the data. In the order of their index, so that no engine
    takes another one."""
    found = columns(
        literal_column("6", BigInteger()).label("part"),
        col(Event.topic).label("sku"),
        null().cast(Uuid()).label("location_id"),
        col(Event.id).label("of"),
        col(Event.position).label("units"),
        _zero().label("reserved"),
        _zero().label("safety"),
        null().cast(Instant()).label("at"),
        cast(col(Event.data), String()).label("word"),
    ).where(mine(Event), *conditions, any_of(Event.topic, "topics"))
    return columns(*found.order_by(order).limit(NEWS_MAX + 1).subquery("news").c)


def _freshness() -> list[Any]:
    """Where the log ends and when that was asked; the facts since a position; the facts without one."""
    since = param("since", BigInteger())
    end = columns(
        literal_column("7", BigInteger()).label("part"),
        null().cast(String()).label("sku"),
        null().cast(Uuid()).label("location_id"),
        null().cast(Uuid()).label("of"),
        func.coalesce(func.max(col(EventLog.position)), 0).cast(BigInteger()).label("units"),
        _zero().label("reserved"),
        _zero().label("safety"),
        now().label("at"),
        null().cast(String()).label("word"),
    ).where(mine(EventLog))
    return [
        end,
        _news(
            col(Event.position),
            col(Event.position) > since,
            col(Event.position) <= since + literal_column(str(NEWS_MAX)),
        ),
        _news(col(Event.id), col(Event.position).is_(None)),
    ]


_codes = json_rows("codes", {"sku": String()})


def _ends() -> list[Any]:
    """By SKU the first instant at which time alone changes it: a cart line ends, a rule begins or ends."""
    lapses = (
        columns(func.min(col(ReservationLine.expires_at)))
        .where(mine(ReservationLine), col(ReservationLine.sku) == _codes.c.sku, LAPSING)
        .where(col(ReservationLine.expires_at) > now())
        .scalar_subquery()
    )
    starts = col(StockRule.starts_at) > now()
    rest = (null().cast(Uuid()), null().cast(Uuid()), _zero(), _zero(), _zero())
    part = literal_column("5", BigInteger())
    return [
        columns(part, _codes.c.sku, *rest, lapses.cast(Instant()), null().cast(String())),
        columns(
            part,
            col(StockRule.sku),
            *rest,
            func.min(case((starts, col(StockRule.starts_at)), else_=col(StockRule.ends_at))).cast(Instant()),
            null().cast(String()),
        )
        .where(
            mine(StockRule),
            any_of(StockRule.sku, "skus"),
            or_(col(StockRule.ends_at).is_(None), col(StockRule.ends_at) > now()),
            or_(starts, col(StockRule.ends_at) > now()),
        )
        .group_by(col(StockRule.sku)),
    ]


FRESHNESS = together(_freshness())
READ_ANEW = together([*parts_of_stock(at=False, limits=False), *_ends(), *_freshness()])
