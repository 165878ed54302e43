"""What must hold whatever happened: each entry is SQL that finds rows that break it, on both engines."""

from oms_api.kit.ids import NOBODY
from world import World

_HELD = """COALESCE((SELECT SUM(l.quantity) FROM reservation_lines l JOIN reservations r
  ON r.tenant_id = l.tenant_id AND r.id = l.reservation_id
  WHERE r.state = 'OPEN' AND l.tenant_id = {0}.tenant_id AND {1}), 0)"""
_PARTS = "SELECT {0} FROM fulfillment_lines f WHERE f.tenant_id = o.tenant_id AND f.order_line_id = o.id"
_LEFT = "(o.shipped + o.delivered + o.returned)"

BROKEN = {
    "a line's units add up to its quantity": """SELECT id FROM order_lines WHERE quantity <> pending + backordered
        + reserved + allocated + shipped + delivered + returned + cancelled""",
    "reserved units of a position are those of open reservations": "SELECT id FROM positions p WHERE p.reserved <> "
    + _HELD.format("p", "l.supply_id IS NULL AND l.sku = p.sku AND l.location_id = p.location_id"),
    "reserved units of a supply are those of open reservations": "SELECT id FROM supplies s WHERE s.reserved <> "
    + _HELD.format("s", "l.supply_id = s.id"),
    "stock on hand is the sum of its movements": """SELECT id FROM positions p WHERE p.on_hand <> COALESCE((SELECT
        SUM(m.delta) FROM movements m WHERE m.tenant_id = p.tenant_id AND m.sku = p.sku
        AND m.location_id = p.location_id AND m.bucket = 'AVAILABLE'), 0)""",
    "money: refunded <= captured <= authorized": """SELECT id FROM payments WHERE refunded_minor < 0
        OR refunded_minor > captured_minor OR captured_minor > authorized_minor""",
    "units of a plain line that locations work on are allocated": f"""SELECT o.id FROM order_lines o
        WHERE o.kind = 'PHYSICAL' AND o.allocated <>
        COALESCE(({_PARTS.format("SUM(f.quantity - f.shipped - f.cancelled)")}), 0)""",
    "units of a plain line that left are shipped": f"""SELECT o.id FROM order_lines o WHERE o.kind = 'PHYSICAL'
        AND {_LEFT} <> COALESCE(({_PARTS.format("SUM(f.shipped)")}), 0)""",
    "units of a plain line that arrived are delivered": f"""SELECT o.id FROM order_lines o WHERE o.kind = 'PHYSICAL'
        AND o.delivered + o.returned <> COALESCE(({_PARTS.format("SUM(f.delivered)")}), 0)""",
    "units of a plain line that locations had and gave up are cancelled, unless the order got them back": f"""SELECT
        o.id FROM order_lines o WHERE o.kind = 'PHYSICAL'
        AND o.cancelled < COALESCE(({_PARTS.format("SUM(f.cancelled - f.moved)")}), 0)""",
    "what left is in a shipment": """SELECT f.id FROM fulfillment_lines f WHERE f.shipped <> COALESCE((SELECT
        SUM(s.quantity) FROM shipment_lines s WHERE s.tenant_id = f.tenant_id AND s.fulfillment_line_id = f.id), 0)""",
    "an order holds what it is owed and no more": "SELECT o.id FROM order_lines o WHERE o.kind = 'PHYSICAL' "
    "AND o.reserved + o.allocated <> " + _HELD.format("o", "l.supply_id IS NULL AND l.line_id = o.id"),
    "what came back is on a return": """SELECT o.id FROM order_lines o WHERE o.returned <> COALESCE((SELECT
        SUM(r.received) FROM return_lines r WHERE r.tenant_id = o.tenant_id AND r.order_line_id = o.id), 0)""",
    "credit is what returns were credited": """SELECT o.id FROM orders o WHERE o.credited_minor <> COALESCE((SELECT
        SUM(r.credited_minor) FROM returns r WHERE r.tenant_id = o.tenant_id AND r.order_id = o.id), 0)""",
}


async def broken(world: World) -> dict[str, int]:
    """How many rows break which invariant, over every tenant; none is wanted."""
    found = {}
    async with world.db.reading(NOBODY) as reading:
        for name, sql in BROKEN.items():
            rows = await reading.text(sql)
            if rows:
                found[name] = len(rows)
    return found
