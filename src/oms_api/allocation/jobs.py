"""What allocation does by itself: a reservation lets go, its shares are free again."""

from oms_api.allocation.service.give_back import settle
from oms_api.inventory import ReservationExpired, ReservationMoved, ReservationReleased, ReservationShort
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.jobs import reaction


@reaction("allocation.give_back", ReservationReleased, ReservationExpired, ReservationShort, ReservationMoved)
async def take_note(tx: Tx, event: Event) -> None:
    """Take off the shares what the reservation gave back, all of it when it has expired. Running twice finds nothing
    left to do."""
    await settle(tx, event.subject_id, expired=event.topic == ReservationExpired.topic)
