"""The ledger of every unit: what is where, what will come, and who holds it.

A position (one SKU at one location) counts what is on hand, what of it is reserved, and what is there but may not be
sold. Every change of a bucket has its movement, so that a position can be rebuilt from them (`rebuild`). A reservation
holds units of positions or of supplies for a demand: OPEN until it is RELEASED, EXPIRED, or CLOSED because its order
holds none any more. Physical truth wins: on hand may fall below reserved, and then `inventory.short` is told and units
are taken back. Stock rules keep units back; the guard of a reservation obeys them, whatever its caller planned.

This domain knows no orders (an owner is an id) and no routes; a channel is a handle that a rule may name. SKUs are
named by code, locations by id.
"""

from oms_api.inventory.errors import InsufficientStock, StaleQuantity
from oms_api.inventory.events import (
    InventoryAdjusted,
    InventoryCounted,
    InventoryRuleChanged,
    InventoryShort,
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
    SupplyLate,
    SupplyReceived,
    SupplyUnclaimed,
)
from oms_api.inventory.models import (
    POSITION,
    RESERVATION,
    STOCK_RULE,
    SUPPLY,
    UNITS_MAX,
    Movement,
    Position,
    Reservation,
    ReservationLine,
    ReservationState,
    StockBucket,
    StockRule,
    StockRuleKind,
    Supply,
    SupplyKind,
)
from oms_api.inventory.queries import (
    Due,
    Incoming,
    Known,
    Memory,
    OfSku,
    Owed,
    Stock,
    brought,
    dated,
    known_skus,
    known_stock,
    lines_by_reservation,
    owners_of,
    reservation_lines_of,
    reservations_by_id,
    rule_page,
    rules_by_id,
    stock,
    supplies_by_id,
    supplies_by_reference,
)
from oms_api.inventory.rules import Units, available, due_at
from oms_api.inventory.service.adjust import Change, Quantity, adjust, set_quantities
from oms_api.inventory.service.announce import Expected, put_supplies
from oms_api.inventory.service.bring import Brought, bring, count_in
from oms_api.inventory.service.count import Counted, count
from oms_api.inventory.service.hold import Part, adopt, date_lines, extend, release, tie
from oms_api.inventory.service.ledger import LetGo, lock, open_positions
from oms_api.inventory.service.move import Transfer, move
from oms_api.inventory.service.put_rules import Ruled, put_rules
from oms_api.inventory.service.rebuild import Difference, rebuild
from oms_api.inventory.service.receive import Receipt, receive_supplies
from oms_api.inventory.service.relocate import Moved, Relocation, relocate
from oms_api.inventory.service.reserve import Wanted, reserve
from oms_api.inventory.service.shortage import Place, release_carts, short_of, take_back
from oms_api.inventory.service.units import let_go, ration, restock, ship

__all__ = [
    "POSITION", "RESERVATION", "STOCK_RULE", "SUPPLY", "UNITS_MAX", "Brought", "Change", "Counted", "Difference", "Due",
    "Expected", "Incoming", "InsufficientStock", "InventoryAdjusted", "InventoryCounted", "InventoryRuleChanged",
    "InventoryShort", "Known", "LetGo", "Memory", "Moved", "Movement", "OfSku", "Owed", "Part", "Place", "Position",
    "Quantity", "Receipt", "Relocation", "Reservation", "ReservationAdopted", "ReservationCreated",
    "ReservationExpired", "ReservationExtended", "ReservationFilled", "ReservationLine", "ReservationMoved",
    "ReservationReleased", "ReservationShort", "ReservationState", "Ruled", "StaleQuantity", "Stock", "StockBucket",
    "StockRule", "StockRuleKind", "Supply", "SupplyAnnounced", "SupplyChanged", "SupplyKind", "SupplyLate",
    "SupplyReceived", "SupplyUnclaimed", "Transfer", "Units", "Wanted", "adjust", "adopt", "available", "bring",
    "brought", "count", "count_in", "date_lines", "dated", "due_at", "extend", "known_skus", "known_stock", "let_go",
    "lines_by_reservation", "lock", "move", "open_positions", "owners_of", "put_rules", "put_supplies", "ration",
    "rebuild", "receive_supplies", "release", "release_carts", "relocate", "reservation_lines_of", "reservations_by_id",
    "reserve", "restock", "rule_page", "rules_by_id", "set_quantities", "ship", "short_of", "stock", "supplies_by_id",
    "supplies_by_reference", "take_back", "tie",
]  # fmt: skip
