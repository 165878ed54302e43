"""The invariants of the domain, read from the tables of one tenant: `await check(world, tenant_id)` after anything.

Each entry of `BROKEN` is SQL that finds rows that break it, the same on both engines; `{t}` is the tenant. Facts are
compared with the rows in Python. Nothing here uses the application's own queries or arithmetic.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from oms_api.kit import clock
from oms_api.kit.db import Reading
from world import World

LATE = timedelta(minutes=1)  # how long after its time somebody may come to do a thing

_HELD = """COALESCE((SELECT SUM(h.quantity) FROM reservation_lines h JOIN reservations r
    ON r.tenant_id = h.tenant_id AND r.id = h.reservation_id
    WHERE h.tenant_id = {{t}} AND r.state = 'OPEN' AND {0}), 0)"""
_WORK = """COALESCE((SELECT SUM({0}) FROM fulfillment_lines f
    WHERE f.tenant_id = {{t}} AND f.order_line_id = l.id), 0)"""
_SLICE = "(l.{0} * (l.quantity - l.cancelled) / l.quantity)"
_KEPT = " + ".join(
    ["l.unit_price_minor * (l.quantity - l.cancelled)", _SLICE.format("tax_minor"), _SLICE.format("fee_minor")]
)
_ALLOCATED = """SELECT o.id FROM orders o WHERE o.tenant_id = {{t}} AND
    (SELECT SUM(l.{0}) FROM order_lines l WHERE l.tenant_id = {{t}} AND l.order_id = o.id) <>
    COALESCE((SELECT SUM(a.amount_minor) FROM order_adjustments a WHERE a.tenant_id = {{t}} AND a.order_id = o.id
              AND a.kind = '{1}' AND {2} a.included), 0)"""

BROKEN = {
    # 1 stock
    **{
        f"1: {column} is the sum of its movements": f"""SELECT p.id FROM positions p WHERE p.tenant_id = {{t}}
            AND p.{column} <> COALESCE((SELECT SUM(m.delta) FROM movements m WHERE m.tenant_id = {{t}}
            AND m.sku = p.sku AND m.location_id = p.location_id AND m.bucket = '{bucket}'), 0)"""
        for column, bucket in (
            ("on_hand", "AVAILABLE"),
            ("damaged", "DAMAGED"),
            ("quality_control", "QUALITY_CONTROL"),
            ("in_transfer", "IN_TRANSFER"),
        )
    },
    "1: reserved units of a position are those of open reservations": """SELECT p.id FROM positions p LEFT JOIN
        (SELECT h.sku, h.location_id, SUM(h.quantity) AS units FROM reservation_lines h JOIN reservations r
         ON r.tenant_id = h.tenant_id AND r.id = h.reservation_id
         WHERE h.tenant_id = {t} AND r.state = 'OPEN' AND h.supply_id IS NULL GROUP BY h.sku, h.location_id) held
        ON held.sku = p.sku AND held.location_id = p.location_id
        WHERE p.tenant_id = {t} AND p.reserved <> COALESCE(held.units, 0)""",
    "1: reserved units of a supply are those of open reservations": (
        "SELECT s.id FROM supplies s WHERE s.tenant_id = {t} AND s.reserved <> "
        + _HELD.format("h.supply_id = s.id").format(t="{t}")
    ),
    "1: nothing is negative": """SELECT id FROM positions WHERE tenant_id = {t}
        AND (on_hand < 0 OR reserved < 0 OR damaged < 0 OR quality_control < 0 OR in_transfer < 0)""",
    "1: a reservation that is closed holds nothing": """SELECT h.id FROM reservation_lines h JOIN reservations r
        ON r.tenant_id = h.tenant_id AND r.id = h.reservation_id
        WHERE h.tenant_id = {t} AND r.state <> 'OPEN' AND h.quantity > 0""",
    "1: what is used of a share was taken of it and not given back": """SELECT a.id FROM allocations a
        WHERE a.tenant_id = {t} AND a.used <> COALESCE((SELECT SUM(u.quantity + COALESCE(u.given, 0))
        FROM allocation_uses u WHERE u.tenant_id = {t} AND u.allocation_id = a.id), 0)""",
    "1: an order holds on hand what it is owed and no more": (
        "SELECT l.id FROM order_lines l WHERE l.tenant_id = {t} AND l.kind = 'PHYSICAL' "
        "AND l.reserved + l.allocated <> " + _HELD.format("h.supply_id IS NULL AND h.line_id = l.id").format(t="{t}")
    ),
    # 2 line quantities
    "2: a line's units add up to its quantity": """SELECT id FROM order_lines WHERE tenant_id = {t}
        AND (quantity <> pending + backordered + reserved + allocated + shipped + delivered + returned + cancelled
        OR pending < 0 OR backordered < 0 OR reserved < 0 OR allocated < 0 OR shipped < 0 OR delivered < 0
        OR returned < 0 OR cancelled < 0)""",
    **{
        f"2: units that are {name} are those of the locations": (
            "SELECT l.id FROM order_lines l WHERE l.tenant_id = {t} AND l.kind = 'PHYSICAL' AND "
            + f"{ours} <> " + _WORK.format(theirs).format(t="{t}")
        )
        for name, ours, theirs in (
            ("allocated", "l.allocated", "f.quantity - f.shipped - f.cancelled"),
            ("gone", "l.shipped + l.delivered + l.returned", "f.shipped"),
            ("arrived", "l.delivered + l.returned", "f.delivered"),
        )
    },
    "2: what left is in a shipment": """SELECT f.id FROM fulfillment_lines f WHERE f.tenant_id = {t}
        AND f.shipped <> COALESCE((SELECT SUM(s.quantity) FROM shipment_lines s
        WHERE s.tenant_id = {t} AND s.fulfillment_line_id = f.id), 0)""",
    "2: what left has left the stock": """SELECT f.sku FROM (SELECT sku, SUM(shipped) AS units FROM fulfillment_lines
        WHERE tenant_id = {t} GROUP BY sku) f WHERE f.units <> COALESCE((SELECT -SUM(m.delta) FROM movements m
        WHERE m.tenant_id = {t} AND m.sku = f.sku AND m.reason = 'shipped'), 0)""",
    "2: what came back is on a return": """SELECT l.id FROM order_lines l WHERE l.tenant_id = {t} AND l.returned <>
        COALESCE((SELECT SUM(r.received) FROM return_lines r WHERE r.tenant_id = {t} AND r.order_line_id = l.id), 0)""",
    # 3 money
    "3: 0 <= refunded <= captured <= authorized": """SELECT id FROM payments WHERE tenant_id = {t}
        AND NOT (0 <= refunded_minor AND refunded_minor <= captured_minor AND captured_minor <= authorized_minor)""",
    "3: a payment is the sum of what succeeded": " UNION ALL ".join(
        f"""SELECT p.id FROM payments p WHERE p.tenant_id = {{t}} AND NOT p.external AND p.{column} <>
        COALESCE((SELECT SUM(o.amount_minor) FROM payment_operations o WHERE o.tenant_id = {{t}}
        AND o.payment_id = p.id AND o.kind = '{kind}' AND o.state = 'SUCCEEDED'), 0)"""
        for column, kind in (
            ("authorized_minor", "AUTHORIZE"), ("captured_minor", "CAPTURE"), ("refunded_minor", "REFUND"))
    ),
    "3: no more is authorized than the order ever cost": """SELECT o.id FROM orders o WHERE o.tenant_id = {t}
        AND (SELECT SUM(p.authorized_minor - p.voided_minor) FROM payments p WHERE p.tenant_id = {t}
             AND p.payable_id = o.id AND NOT p.external) >
            (SELECT SUM(l.unit_price_minor * l.quantity + l.tax_minor + l.fee_minor - l.discount_minor)
             FROM order_lines l WHERE l.tenant_id = {t} AND l.order_id = o.id) + o.shipping_minor""",
    "3: total is lines - discounts + fees + shipping + tax": f"""SELECT o.id FROM orders o WHERE o.tenant_id = {{t}}
        AND o.total_minor <> (SELECT COALESCE(SUM({_KEPT} - {_SLICE.format("discount_minor")}), 0)
        + CASE WHEN SUM(l.quantity - l.cancelled) > 0 THEN o.shipping_minor ELSE 0 END
        FROM order_lines l WHERE l.tenant_id = {{t}} AND l.order_id = o.id)""",
    **{
        f"3: {column} of the lines is what was sent": _ALLOCATED.format(column, kind, test).format(t="{t}")
        for column, kind, test in (
            ("discount_minor", "DISCOUNT", "NOT"), ("included_discount_minor", "DISCOUNT", ""),
            ("tax_minor", "TAX", "NOT"), ("included_tax_minor", "TAX", ""), ("fee_minor", "FEE", "NOT"),
        )
    },
    "3: credit is what returns were credited": """SELECT o.id FROM orders o WHERE o.tenant_id = {t}
        AND o.credited_minor <> COALESCE((SELECT SUM(r.credited_minor) FROM returns r
        WHERE r.tenant_id = {t} AND r.order_id = o.id), 0)""",
    # 4 facts
    "4: the sequence of a subject has no gap": """SELECT s.id FROM event_subjects s LEFT JOIN
        (SELECT subject_id, COUNT(*) AS facts, MIN(sequence) AS first, MAX(sequence) AS last FROM events
         WHERE tenant_id = {t} GROUP BY subject_id) e ON e.subject_id = s.id
        WHERE s.tenant_id = {t} AND (e.facts IS NULL OR e.first <> 1 OR e.last <> e.facts OR s.sequence <> e.facts)""",
    "4: the log has no gap": """SELECT g.position FROM event_logs g, (SELECT COUNT(position) AS facts,
        COALESCE(MIN(position), 1) AS first, COALESCE(MAX(position), 0) AS last FROM events WHERE tenant_id = {t}) e
        WHERE g.tenant_id = {t} AND (e.first <> 1 OR e.last <> e.facts OR g.position <> e.facts)""",
    "4: every fact is in the log": "SELECT id FROM events WHERE tenant_id = {t} AND position IS NULL",
    "4: the log keeps each subject's order": """SELECT b.id FROM events b JOIN events a ON a.tenant_id = b.tenant_id
        AND a.subject_id = b.subject_id AND a.sequence = b.sequence - 1
        WHERE b.tenant_id = {t} AND a.position > b.position""",
    **{
        f"4: {topic} is told once for each of {table}": f"""SELECT x.id FROM {table} x WHERE x.tenant_id = {{t}}
            AND (SELECT COUNT(*) FROM events e WHERE e.tenant_id = {{t}} AND e.subject_id = x.id
            AND e.topic = '{topic}') <> 1"""
        for table, topic in (
            ("orders", "order.created"), ("fulfillments", "fulfillment.offered"), ("shipments", "shipment.created"),
            ("returns", "return.requested"),
        )
    },
    "4: an order is confirmed at most once": """SELECT subject_id FROM events WHERE tenant_id = {t}
        AND topic = 'order.confirmed' GROUP BY subject_id HAVING COUNT(*) > 1""",
    "4: a fact about an order has its order": """SELECT e.id FROM events e WHERE e.tenant_id = {t}
        AND e.subject_type = 'ord' AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.tenant_id = {t}
        AND o.id = e.subject_id)""",
    # 5 effects once
    "5: one fulfillment an order, location and group": """SELECT order_id FROM fulfillments f WHERE f.tenant_id = {t}
        AND NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = {t} AND e.subject_id = f.order_id
        AND e.topic = 'order.backorders_filled')
        GROUP BY order_id, location_id, delivery_group_id HAVING COUNT(*) > 1""",
    "5: an external id names one order": """SELECT channel_id FROM orders WHERE tenant_id = {t}
        AND external_id IS NOT NULL GROUP BY channel_id, external_id HAVING COUNT(*) > 1""",
    "5: a number names one order": """SELECT number FROM orders WHERE tenant_id = {t}
        GROUP BY number HAVING COUNT(*) > 1""",
    "5: the provider's books are ours": """SELECT p.id FROM payments p JOIN payment_operations o
        ON o.tenant_id = p.tenant_id AND o.payment_id = p.id AND o.kind = 'AUTHORIZE'
        LEFT JOIN fake_provider_charges c ON c.tenant_id = p.tenant_id AND c.id = o.id
        WHERE p.tenant_id = {t} AND p.provider = 'fake' AND NOT EXISTS (SELECT 1 FROM payment_operations w
            WHERE w.tenant_id = {t} AND w.payment_id = p.id AND w.state IN ('PENDING', 'UNKNOWN'))
        AND (COALESCE(c.authorized_minor, 0) <> p.authorized_minor OR COALESCE(c.captured_minor, 0) <> p.captured_minor
        OR COALESCE(c.voided_minor, 0) <> p.voided_minor OR COALESCE(c.refunded_minor, 0) <> p.refunded_minor)""",
    "5: the provider has no charge that we do not know": """SELECT c.id FROM fake_provider_charges c
        WHERE c.tenant_id = {t} AND NOT EXISTS (SELECT 1 FROM payment_operations o WHERE o.tenant_id = {t}
        AND o.id = c.id AND o.kind = 'AUTHORIZE')""",
    # 6 nothing stuck
    "6: no reaction is still to come": "SELECT id FROM events WHERE tenant_id = {t} AND pending <> 0",
    "6: no reaction failed for good": """SELECT f.event_id FROM reaction_failures f WHERE f.tenant_id = {t}
        AND NOT EXISTS (SELECT 1 FROM reaction_receipts r WHERE r.tenant_id = {t} AND r.event_id = f.event_id
        AND r.reaction = f.reaction)""",
    "6: a cancelled order holds nothing": """SELECT o.id FROM orders o JOIN reservations r
        ON r.tenant_id = o.tenant_id AND r.owner_id = o.id JOIN reservation_lines h ON h.tenant_id = r.tenant_id
        AND h.reservation_id = r.id WHERE o.tenant_id = {t} AND o.status = 'CANCELLED' AND h.quantity > 0""",
    "6: a committed order's units are at work or wait for supply": """SELECT l.id FROM order_lines l JOIN orders o
        ON o.tenant_id = l.tenant_id AND o.id = l.order_id WHERE l.tenant_id = {t} AND o.status <> 'PENDING'
        AND (l.reserved > 0 OR l.pending > 0)""",
}  # fmt: skip


async def check(world: World, tenant_id: UUID) -> None:
    """Fails with every invariant that does not hold for a tenant. Run the reactions first: `world.settle()`."""
    found = await broken(world, tenant_id)
    assert not found, "\n".join(f"{name}: {rows}" for name, rows in found.items())


async def broken(world: World, tenant_id: UUID) -> dict[str, list[str]]:
    """Invariants that do not hold, each with up to five of the rows that break it."""
    found: dict[str, list[str]] = {}
    async with world.db.reading(tenant_id) as reading:
        for name, sql in BROKEN.items():
            rows = await reading.text(sql.replace("{t}", _literal(tenant_id)))
            if rows:
                found[name] = [f"{len(rows)} rows", *(str(row[0]) for row in rows[:5])]
        for name, ids in [*await _untold(reading), *await _overdue(reading)]:
            if ids:
                found[name] = ids[:5]
    return found


def _literal(tenant_id: UUID) -> str:
    """PostgreSQL reads the 32 digits as a UUID; SQLite keeps them as they are."""
    return f"'{tenant_id.hex}'"


async def _rows(reading: Reading, sql: str) -> list[Any]:
    return await reading.text(sql.replace("{t}", _literal(reading.tenant_id)))


async def _untold(reading: Reading) -> list[tuple[str, list[str]]]:
    """Stock and money as the facts tell them against the rows: a change without its fact, or a fact without one."""
    stock: Counter[str] = Counter()
    last: dict[str, int] = {}
    money: dict[str, Counter[str]] = defaultdict(Counter)
    for topic, subject, data in await _rows(
        reading,
        """SELECT topic, subject_id, data FROM events WHERE tenant_id = {t} AND topic IN
        ('inventory.adjusted', 'payment.authorized', 'payment.captured', 'payment.refunded')
        ORDER BY subject_id, sequence""",
    ):
        told, id_ = orjson.loads(data) if isinstance(data, str | bytes) else data, _hex(subject)
        if topic != "inventory.adjusted":
            money[topic][id_] += told["amountMinor"]
        elif told["bucket"] == "AVAILABLE":
            stock[id_] += told["delta"]
            last[id_] = told["onHand"]
    positions = {
        _hex(id_): on_hand
        for id_, on_hand in await _rows(reading, "SELECT id, on_hand FROM positions WHERE tenant_id = {t}")
    }
    found = [
        ("4: stock is what its facts add up to", _differing(positions, stock)),
        ("4: the last fact about stock tells the truth", _differing(positions, last)),
    ]
    for topic, column in (
        ("payment.authorized", "authorized_minor"),
        ("payment.captured", "captured_minor"),
        ("payment.refunded", "refunded_minor"),
    ):
        # money that others handle can be recorded in a later state at once
        ours = await _rows(reading, f"SELECT id, {column} FROM payments WHERE tenant_id = {{t}} AND NOT external")
        rows = {_hex(id_): minor for id_, minor in ours}
        told_of = {id_: minor for id_, minor in money[topic].items() if id_ in rows}
        found.append((f"4: {topic} adds up to the payment", _differing(rows, told_of)))
    return found


def _differing(rows: dict[str, int], told: dict[str, int]) -> list[str]:
    return [
        f"{id_} is {rows.get(id_, 0)}, told as {told.get(id_, 0)}"
        for id_ in sorted(rows.keys() | told.keys())
        if rows.get(id_, 0) != told.get(id_, 0)
    ]


def _hex(id_: Any) -> str:
    """An id as either engine gives it."""
    return id_.hex if isinstance(id_, UUID) else UUID(str(id_)).hex


async def _overdue(reading: Reading) -> list[tuple[str, list[str]]]:
    """What waits for somebody without a time, or beyond it."""
    before = clock.now() - LATE
    found = []
    for name, sql in (
        (
            "6: a payment operation is asked for in time",
            """SELECT id, next_attempt_at FROM payment_operations
            WHERE tenant_id = {t} AND state IN ('PENDING', 'REQUIRES_ACTION')""",
        ),
        (
            "6: a pending order lapses in time",
            "SELECT id, lapses_at FROM orders WHERE tenant_id = {t} AND status = 'PENDING'",
        ),
    ):
        rows = await _rows(reading, sql)
        found.append((name, [_hex(id_) for id_, due in rows if due is None or _instant(due) < before]))
    return found


def _instant(value: Any) -> datetime:
    """An instant as either engine keeps it: SQLite in microseconds since 1970."""
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value / 1_000_000, UTC)
