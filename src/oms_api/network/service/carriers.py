"""Put carrier services, and say which of them a location offers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from oms_api.kit import clock, ids
from oms_api.kit.db import Tx
from oms_api.kit.errors import LimitExceeded, Path, Refusal, camel, refuse
from oms_api.kit.events import emit
from oms_api.network import queries, rules
from oms_api.network.events import CarrierServiceCreated, CarrierServiceUpdated
from oms_api.network.models import CARRIER_SERVICE, CarrierService, Location
from oms_api.network.service.put import check_size, revise_locations, take_turn

SERVICES_MAX = 250
_NEW: dict[str, Any] = {
    "active": True,
    "business_days": [1, 2, 3, 4, 5],
    "pickup_days": [1, 2, 3, 4, 5],
    "last_pickup": None,
    "holidays": [],
    "zones": [],
    "rates": [],
    "dim_divisor": None,
}
_PUBLIC = {"holidays": "calendars"}
_CHANGE = ("name", "carrier", *_NEW, "updated_at")


async def put_services(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[CarrierService]:
    """Create or, by `handle`, change carrier services, all or none: an absent key stays as it is, None clears it.

    Keys are the columns of `CarrierService`; `handle`, `name` and `carrier` are needed, for a new one zones and rates
    too. Raises every problem of the input at once: Invalid, Required, NotFound, LimitExceeded.
    """
    check_size(changes, SERVICES_MAX, "services")
    await take_turn(tx, carriers=True)
    handles = [change["handle"] for change in changes]
    there = await queries.service_handles(tx)
    if len(there | set(handles)) > SERVICES_MAX:
        raise LimitExceeded(
            f"{len(there | set(handles))} carrier services are too many; a tenant has at most {SERVICES_MAX}.",
            path=("input", "services"),
        )
    known = await queries.services_by_handle(tx, handles)
    calendars = await queries.calendar_handles(tx)
    counted = Counter(handles)
    problems: list[Refusal] = []
    rows: list[dict[str, Any]] = []
    now = clock.now()
    for i, change in enumerate(changes):
        path = ("input", "services", i)
        rules.check_handle(change["handle"], path, counted, problems)
        old = known.get(change["handle"])
        row = dict(old.__dict__) if old else {**_NEW, "tenant_id": tx.tenant_id, "id": ids.new(), "created_at": now}
        row |= {name: _NEW.get(name) if value is None else value for name, value in change.items()}
        row["updated_at"] = now
        rules.check_service(row, calendars, path, problems)
        rows.append(row)
    refuse(problems)
    saved = {
        row.handle: row for row in await tx.upsert(CarrierService, rows, key=("tenant_id", "handle"), change=_CHANGE)
    }
    for handle in handles:
        old, new = known.get(handle), saved[handle]
        said = {"handle": handle, "carrier": new.carrier, "active": new.active}
        subject = CARRIER_SERVICE.ref(new.id)
        if old is None:
            emit(tx, CarrierServiceCreated(**said), subject=subject, added=["carrierService"])
        elif updated := [name for name in _CHANGE[:-1] if getattr(old, name) != getattr(new, name)]:
            emit(
                tx,
                CarrierServiceUpdated(**said),
                subject=subject,
                updated=[_PUBLIC.get(name, camel(name)) for name in updated],
            )
    return [saved[handle] for handle in handles]


async def put_location_services(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Location]:
    """Say which services locations offer and when these fetch there, all or none: an absent key stays as it is.

    Keys: `location` (its handle), `services` as the column of `Location` (None: all of the tenant's), `origin_zone`.
    Raises every problem of the input at once: Invalid, Required, NotFound.
    """
    known = await queries.service_handles(tx)

    def revise(change: Mapping[str, Any], path: Path, problems: list[Refusal]) -> dict[str, Any]:
        values = {name: value for name, value in change.items() if name != "location"}
        if values.get("services") is not None:
            rules.check_offers(values["services"], known, (*path, "services"), problems)
        if values.get("origin_zone") is not None:
            rules.check_text(values["origin_zone"], "originZone", 40, (*path, "originZone"), problems)
        return values

    return await revise_locations(tx, "locations", changes, revise)
