"""The ledger of every unit: what is where, what will come, and who holds it.

A position (one SKU at one location) counts what is on hand, what of it is reserved, and what is there but may not be
sold. Every change of a bucket has its movement, so that a position can be rebuilt from them (`rebuild`). A reservation
holds units of positions or of supplies for a demand: OPEN until it is RELEASED, EXPIRED, or CLOSED because its order
holds none any more. Physical truth wins: on hand may fall below reserved, and then `inventory.short` is told.

This domain knows no orders (an owner is an id), no channels, no routes. Safety stock of a location is the caller's to
subtract; that of a position is known here. SKUs are named by code, locations by id.
"""

from oms_api.inventory.errors import InsufficientStock, StaleQuantity
from oms_api.inventory.events import (
    InventoryAdjusted,
    InventoryShort,
    ReservationAdopted,
    ReservationCreated,
    ReservationExpired,
    ReservationExtended,
    ReservationFilled,
    ReservationReleased,
    SupplyAnnounced,
    SupplyChanged,
    SupplyReceived,
)
from oms_api.inventory.models import (
    POSITION,
    RESERVATION,
    SUPPLY,
    Movement,
    Position,
    Reservation,
    ReservationLine,
    ReservationState,
    StockBucket,
    Supply,
    SupplyKind,
)
from oms_api.inventory.queries import (
    Incoming,
    Stock,
    lines_by_reservation,
    reservation_lines_of,
    reservations_by_id,
    stock,
    supplies_by_id,
)
from oms_api.inventory.rules import Units, available
from oms_api.inventory.service.adjust import Change, Quantity, adjust, set_quantities
from oms_api.inventory.service.announce import Expected, put_supplies
from oms_api.inventory.service.hold import adopt, extend, release, tie
from oms_api.inventory.service.rebuild import Difference, rebuild
from oms_api.inventory.service.receive import Receipt, receive_supplies
from oms_api.inventory.service.reserve import Wanted, reserve
from oms_api.inventory.service.units import let_go, restock, ship

__all__ = [
    "POSITION", "RESERVATION", "SUPPLY", "Change", "Difference", "Expected", "Incoming", "InsufficientStock",
    "InventoryAdjusted", "InventoryShort", "Movement", "Position", "Quantity", "Receipt", "Reservation",
    "ReservationAdopted", "ReservationCreated", "ReservationExpired", "ReservationExtended", "ReservationFilled",
    "ReservationLine", "ReservationReleased", "ReservationState", "StaleQuantity", "Stock", "StockBucket", "Supply",
    "SupplyAnnounced", "SupplyChanged", "SupplyKind", "SupplyReceived", "Units", "Wanted", "adjust", "adopt",
    "available", "extend", "let_go", "lines_by_reservation", "put_supplies", "rebuild", "receive_supplies", "release",
    "reservation_lines_of", "reservations_by_id", "reserve", "restock", "set_quantities", "ship", "stock",
    "supplies_by_id", "tie",
]  # fmt: skip
