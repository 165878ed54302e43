"""What allocation does by itself: a reservation lets go, its shares are free again."""

from oms_api.allocation.service.take import give_back
from oms_api.inventory import ReservationExpired, ReservationReleased, ReservationShort
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.jobs import reaction
from oms_api.network import LOCATION


@reaction("allocation.give_back", ReservationReleased, ReservationExpired, ReservationShort)
async def take_note(tx: Tx, event: Event) -> None:
    """Give back what the reservation took of shares and holds no more."""
    lines = event.data.get("lines", [])
    await give_back(
        tx, event.subject_id, [(line["sku"], LOCATION.parse(line["locationId"]), line["quantity"]) for line in lines]
    )
