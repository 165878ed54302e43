"""Reactions of promising: units that leave a location, or are held no more, give its capacity back; a cart that came
to nothing leaves no decisions."""

from collections import Counter
from uuid import UUID

from oms_api import inventory, network, sourcing
from oms_api.kit.db import Tx
from oms_api.kit.events import Event
from oms_api.kit.jobs import reaction


@reaction(
    "promising.give_capacity_back",
    inventory.ReservationReleased,
    inventory.ReservationShort,
    inventory.ReservationMoved,
)
async def give_capacity_back(tx: Tx, event: Event) -> None:
    """Units were let go, are not there after all, or are held elsewhere now. What lapses needs nobody: it is
    free at once. What was held for the channel as a whole had taken nothing."""
    if event.data.get("pinned"):
        return
    units: Counter[tuple[UUID, str]] = Counter()
    for line in event.data["lines"]:
        units[network.LOCATION.parse(line.get("fromLocationId", line["locationId"])), line["sku"]] += line["quantity"]
    await network.give_back_capacity(tx, event.subject_id, units)


@reaction("promising.forget_decisions", inventory.ReservationReleased, inventory.ReservationExpired)
async def forget_decisions(tx: Tx, event: Event) -> None:
    """A cart came to nothing; so does what was decided for it. What an order took is the order's."""
    if "state" in event.updated:
        await sourcing.forget(tx, event.subject_id)
