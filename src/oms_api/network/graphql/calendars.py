"""Calendars and opening hours in the API."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Tx
from oms_api.kit.graphql import (
    CountryCode,
    Info,
    Node,
    Outcome,
    Payload,
    add_field,
    argument,
    field,
    found_by,
    given,
    mutation,
    node_type,
    query,
)
from oms_api.network import models, queries, service
from oms_api.network.graphql.places import Location, LocationPayload
from oms_api.network.models import CALENDAR


@strawberry.type(description="A closed day.")
class ClosedDay:
    date: date = field(description="Local date.")
    name: str = field(description="Why.")


@strawberry.type(description="Days on which nobody works, shared by locations and carrier services.")
class Calendar(Node):
    handle: str = field(description="Your name for it, unique.")
    name: str = field(description="Name.")
    country: CountryCode | None = field(description="Whose holidays it has; a carrier keeps them only there.")
    region: str | None = field(description="Region code of the country.")

    @field(description="Its closed days, in order.")
    async def closed(self, info: Info) -> list[ClosedDay]:
        rows = await info.context.load(queries.days_of, CALENDAR.parse(self.id))
        return [ClosedDay(date=row.on_date, name=row.name) for row in rows or ()]


def calendar_of(row: models.Calendar) -> Calendar:
    return Calendar(
        id=strawberry.ID(CALENDAR(row.id)),
        handle=row.handle,
        name=row.name,
        country=CountryCode(row.country) if row.country else None,
        region=row.region,
    )


node_type(CALENDAR, Calendar, scope="network:read", find=found_by(queries.calendars_by_id, calendar_of))


@strawberry.type(description="Hours of a weekday.")
class OpeningHours:
    weekday: int = field(description="ISO weekday, 1 is Monday.")
    opens: time = field(description="Local time.")
    closes: time = field(description="Local time.")
    cut_off: time | None = field(description="Work asked before it starts the same day; `closes` when null.")
    collect_from: time | None = field(description="Customers collect from; `opens` when null.")
    collect_until: time | None = field(description="Customers collect until; `closes` when null.")


@strawberry.type(description="A day that differs from the week.")
class OpeningException:
    date: date = field(description="Local date.")
    name: str | None = field(description="Why.")
    opens: time | None = field(description="Local time; null: closed.")
    closes: time | None = field(description="Local time.")
    cut_off: time | None = field(description="Work asked before it starts the same day; `closes` when null.")


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _hours(row: models.Location) -> list[OpeningHours]:
    return [
        OpeningHours(
            weekday=window["weekday"],
            opens=time.fromisoformat(window["opens"]),
            closes=time.fromisoformat(window["closes"]),
            cut_off=_time(window["cutOff"]),
            collect_from=_time(window["collectFrom"]),
            collect_until=_time(window["collectUntil"]),
        )
        for window in row.hours or ()
    ]


def _exceptions(row: models.Location) -> list[OpeningException]:
    return [
        OpeningException(
            date=date.fromisoformat(day["date"]),
            name=day["name"],
            opens=_time(day["opens"]),
            closes=_time(day["closes"]),
            cut_off=_time(day["cutOff"]),
        )
        for day in row.exceptions or ()
    ]


async def _location_hours(self: Location) -> list[OpeningHours]:
    return _hours(self.row)


async def _location_exceptions(self: Location) -> list[OpeningException]:
    return _exceptions(self.row)


async def _location_calendar(self: Location, info: Info) -> Calendar | None:
    if self.row.calendar is None:
        return None
    row = await info.context.load(queries.calendars_by_handle, self.row.calendar)
    return calendar_of(row) if row else None


add_field(
    Location,
    "hours",
    field(_location_hours, description="Hours by weekday; empty while `openDays` and `cutOff` say it all."),
)
add_field(Location, "exceptions", field(_location_exceptions, description="Its own days that differ, in order."))
add_field(Location, "calendar", field(_location_calendar, description="Closed days that it shares with others."))


@strawberry.input(description="A closed day.")
class ClosedDayInput:
    date: date = field(description="Local date.")
    name: str = field(description="Why.")


@strawberry.input(
    description="Create or, by handle, change a calendar: an absent field stays as it is, null clears it."
)
class CalendarInput:
    handle: str = field(description="Handle.")
    name: str = field(description="Name.")
    country: strawberry.Maybe[CountryCode | None] = field(description="Whose holidays it has.")
    region: strawberry.Maybe[str | None] = field(description="Region code of the country.")
    closed: strawberry.Maybe[list[ClosedDayInput] | None] = field(
        description="Closed days, at most 1,000; replaces all of them."
    )


@strawberry.input(description="Up to 250 calendars, all or none.")
class CalendarPutInput:
    calendars: list[CalendarInput] = field(description="Calendars.")


@strawberry.type(description="Answer.")
class CalendarPayload(Payload):
    calendars: list[Calendar] = field(default_factory=list, description="In the order asked.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> CalendarPayload:
        rows = await info.context.load_many(queries.calendars_by_id, outcome.ids)
        return CalendarPayload(calendars=[calendar_of(row) for row in rows if row])


@strawberry.input(description="Write public holidays into a calendar.")
class HolidaysApplyInput:
    calendar: str = field(description="Handle; the calendar is made when there is none.")
    country: CountryCode = field(description="Country.")
    region: str | None = field(default=UNSET, description="Region code of the country: `NY`, `BY`.")
    years: list[int] = field(description="Years, 1 to 10.")
    dry_run: bool = field(default=False, description="Say which days they are, change nothing.")


@strawberry.type(description="Answer.")
class HolidaysPayload(Payload):
    calendar: Calendar | None = field(default=None, description="The calendar; null in a dry run.")
    added: list[ClosedDay] = field(default_factory=list, description="Days that were not closed before.")
    kept: list[ClosedDay] = field(default_factory=list, description="Days that were closed already, as they stay.")

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> HolidaysPayload:
        row = await info.context.load(queries.calendars_by_id, outcome.ids[0]) if outcome.ids else None
        added, kept = outcome.preview or ((), ())
        return HolidaysPayload(
            calendar=calendar_of(row) if row else None,
            added=[ClosedDay(date=day, name=name) for day, name in added],
            kept=[ClosedDay(date=day, name=name) for day, name in kept],
        )


@strawberry.input(description="Hours of a weekday; repeat the weekday for hours with a break.")
class OpeningHoursInput:
    weekday: int = field(description="ISO weekday, 1 is Monday.")
    opens: time = field(description="Local time.")
    closes: time = field(description="Local time.")
    cut_off: time | None = field(default=UNSET, description="Work asked before it starts the same day.")
    collect_from: time | None = field(default=UNSET, description="Customers collect from.")
    collect_until: time | None = field(default=UNSET, description="Customers collect until.")


@strawberry.input(description="A day that differs from the week; closed without hours.")
class OpeningExceptionInput:
    date: date = field(description="Local date.")
    name: str | None = field(default=UNSET, description="Why.")
    opens: time | None = field(default=UNSET, description="Local time.")
    closes: time | None = field(default=UNSET, description="Local time.")
    cut_off: time | None = field(default=UNSET, description="Work asked before it starts the same day.")


@strawberry.input(description="When a location is open: an absent field stays as it is, null clears it.")
class LocationCalendarInput:
    location: str = field(description="Handle.")
    hours: strawberry.Maybe[list[OpeningHoursInput] | None] = field(
        description="Hours by weekday; replaces all. `openDays` and `cutOff` of the location then say the same."
    )
    exceptions: strawberry.Maybe[list[OpeningExceptionInput] | None] = field(
        description="Days that differ, at most 366; replaces all. They come before those of the calendar."
    )
    calendar: strawberry.Maybe[str | None] = field(description="Handle of a calendar.")
    processing_days: strawberry.Maybe[int | None] = field(description="Open days from order to carrier.")


@strawberry.input(description="Up to 250 locations, all or none.")
class LocationCalendarPutInput:
    locations: list[LocationCalendarInput] = field(description="Locations.")


def _text(value: Any) -> str | None:
    return value.strftime("%H:%M") if isinstance(value, time) else None


def _calendar_change(sent: CalendarInput) -> dict[str, Any]:
    change = given(sent)
    if "closed" in change:
        change["closed"] = [(day.date, day.name) for day in change["closed"] or ()]
    return change


def _opening_change(sent: LocationCalendarInput) -> dict[str, Any]:
    change = given(sent)
    if change.get("hours") is not None:
        change["hours"] = [
            {
                "weekday": window.weekday,
                "opens": _text(window.opens),
                "closes": _text(window.closes),
                "cutOff": _text(window.cut_off),
                "collectFrom": _text(window.collect_from),
                "collectUntil": _text(window.collect_until),
            }
            for window in change["hours"]
        ]
    if change.get("exceptions") is not None:
        change["exceptions"] = [
            {
                "date": day.date.isoformat(),
                "name": day.name or None,
                "opens": _text(day.opens),
                "closes": _text(day.closes),
                "cutOff": _text(day.cut_off),
            }
            for day in change["exceptions"]
        ]
    return change


@strawberry.type
class Query:
    @query(description="A calendar by its handle.", scope=["network:read"])
    async def calendar(self, info: Info, handle: Annotated[str, argument("Its handle.")]) -> Calendar | None:
        row = await info.context.load(queries.calendars_by_handle, handle)
        return calendar_of(row) if row else None


@strawberry.type
class Mutation:
    @mutation(CalendarPayload, description="Create or change calendars.", scope=["network:write"])
    async def calendar_put(tx: Tx, input: CalendarPutInput) -> Outcome:
        rows = await service.put_calendars(tx, [_calendar_change(sent) for sent in input.calendars])
        return Outcome(ids=[row.id for row in rows], rows=[(queries.calendars_by_id, row.id, row) for row in rows])

    @mutation(HolidaysPayload, description="Write public holidays into a calendar.", scope=["network:write"])
    async def holidays_apply(tx: Tx, input: HolidaysApplyInput) -> Outcome:
        found = await service.apply_holidays(
            tx,
            input.calendar,
            country=input.country,
            region=input.region or None,
            years=input.years,
        )
        return Outcome(ids=() if input.dry_run else [found.calendar.id], preview=(found.added, found.kept))

    @mutation(LocationPayload, description="Say when locations are open.", scope=["network:write"])
    async def location_calendar_put(tx: Tx, input: LocationCalendarPutInput) -> Outcome:
        rows = await service.put_location_calendars(tx, [_opening_change(sent) for sent in input.locations])
        return Outcome(ids=[row.id for row in rows], rows=[(queries.locations_by_id, row.id, row) for row in rows])
