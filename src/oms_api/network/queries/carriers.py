"""Calendars and carrier services, and what a tenant's planning knows of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select

from oms_api.kit.db import Reading, any_of, columns, mine, prepared
from oms_api.kit.remembered import Remembered
from oms_api.network.models import Calendar, CalendarDay, CarrierService, Location
from oms_api.network.rules import CarrierPlan

REMEMBERED_TENANTS_MAX = 256


class ClosedDays(NamedTuple):
    """A calendar as planning sees it."""

    handle: str
    country: str | None
    region: str | None
    days: frozenset[date]


class Carriers(NamedTuple):
    """A tenant's calendars by handle, and its active carrier services by handle. Shared between requests."""

    calendars: Mapping[str, ClosedDays]
    services: Mapping[str, CarrierPlan]


NO_CARRIERS = Carriers({}, {})

_CALENDARS = prepared(
    columns(col(Calendar.handle), col(Calendar.country), col(Calendar.region), col(CalendarDay.on_date))
    .outerjoin(
        CalendarDay,
        (col(CalendarDay.tenant_id) == col(Calendar.tenant_id)) & (col(CalendarDay.calendar_id) == col(Calendar.id)),
    )
    .where(mine(Calendar))
)
_SERVICES = prepared(
    select(CarrierService)
    .where(mine(CarrierService), col(CarrierService.active).is_(True))
    .order_by(col(CarrierService.handle))
)
_CALENDARS_BY_ID = prepared(select(Calendar).where(mine(Calendar), any_of(Calendar.id, "ids")))
_CALENDARS_BY_HANDLE = prepared(select(Calendar).where(mine(Calendar), any_of(Calendar.handle, "handles")))
_DAYS = prepared(
    select(CalendarDay)
    .where(mine(CalendarDay), any_of(CalendarDay.calendar_id, "ids"))
    .order_by(col(CalendarDay.calendar_id), col(CalendarDay.on_date))
)
_SERVICES_BY_ID = prepared(select(CarrierService).where(mine(CarrierService), any_of(CarrierService.id, "ids")))
_SERVICES_BY_HANDLE = prepared(
    select(CarrierService).where(mine(CarrierService), any_of(CarrierService.handle, "handles"))
)
_ALL_SERVICES = prepared(select(CarrierService).where(mine(CarrierService)).order_by(col(CarrierService.handle)))
_CALENDAR_HANDLES = prepared(columns(col(Calendar.handle)).where(mine(Calendar)))
_SERVICE_HANDLES = prepared(columns(col(CarrierService.handle)).where(mine(CarrierService)))

_remembered: Remembered[UUID, Carriers] = Remembered(REMEMBERED_TENANTS_MAX)


async def carriers_at(reading: Reading, version: UUID | None) -> Carriers:
    """What planning knows at a version of the tenant's carriers; remembered, else two statements."""
    if version is None:
        return NO_CARRIERS
    found = _remembered.get(reading.tenant_id, version)
    if found is None:
        found = await _read(reading)
        _remembered.put(reading.tenant_id, version, found)
    return found


async def _read(reading: Reading) -> Carriers:
    days: dict[tuple[str, str | None, str | None], set[date]] = defaultdict(set)
    for handle, country, region, on_date in await reading.all(_CALENDARS):
        closed = days[handle, country, region]
        if on_date is not None:
            closed.add(on_date)
    calendars = {key[0]: ClosedDays(*key, frozenset(closed)) for key, closed in days.items()}
    services = {
        row.handle: CarrierPlan(row, [calendars[handle] for handle in row.holidays if handle in calendars])
        for row in await reading.all(_SERVICES)
    }
    return Carriers(calendars, services)


async def calendars_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, Calendar]:
    return {row.id: row for row in await reading.all(_CALENDARS_BY_ID, {"ids": ids})}


async def calendars_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, Calendar]:
    return {row.handle: row for row in await reading.all(_CALENDARS_BY_HANDLE, {"handles": handles})}


async def closed_days(reading: Reading, locations: Sequence[Location]) -> Mapping[UUID, frozenset[date]]:
    """Days on which locations are closed by their calendar. Two statements, none when no location has one."""
    named = sorted({row.calendar for row in locations if row.calendar is not None})
    if not named:
        return {}
    calendars = await calendars_by_handle(reading, named)
    days = await days_of(reading, [row.id for row in calendars.values()])
    closed = {handle: frozenset(day.on_date for day in days[row.id]) for handle, row in calendars.items()}
    return {row.id: closed[row.calendar] for row in locations if row.calendar is not None and row.calendar in closed}


async def days_of(reading: Reading, calendar_ids: Sequence[UUID]) -> Mapping[UUID, list[CalendarDay]]:
    """Closed days by calendar, in order. One statement."""
    found: dict[UUID, list[CalendarDay]] = {id_: [] for id_ in calendar_ids}
    for row in await reading.all(_DAYS, {"ids": calendar_ids}):
        found[row.calendar_id].append(row)
    return found


async def services_by_id(reading: Reading, ids: Sequence[UUID]) -> Mapping[UUID, CarrierService]:
    return {row.id: row for row in await reading.all(_SERVICES_BY_ID, {"ids": ids})}


async def services_by_handle(reading: Reading, handles: Sequence[str]) -> Mapping[str, CarrierService]:
    return {row.handle: row for row in await reading.all(_SERVICES_BY_HANDLE, {"handles": handles})}


async def all_services(reading: Reading) -> list[CarrierService]:
    """Every carrier service of the tenant, by handle: at most 250."""
    return await reading.all(_ALL_SERVICES)


async def calendar_handles(reading: Reading) -> set[str]:
    return set(await reading.all(_CALENDAR_HANDLES))


async def service_handles(reading: Reading) -> set[str]:
    return set(await reading.all(_SERVICE_HANDLES))
