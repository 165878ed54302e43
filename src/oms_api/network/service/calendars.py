"""Put calendars, write holidays into one, and say when locations are open."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete

from oms_api.kit import clock, ids
from oms_api.kit.db import Tx, any_of, mine, prepared, table_of
from oms_api.kit.errors import Invalid, Path, Refusal, camel, refuse
from oms_api.kit.events import emit
from oms_api.kit.times import YEARS
from oms_api.network import queries, rules
from oms_api.network.events import CalendarCreated, CalendarUpdated
from oms_api.network.models import CALENDAR, Calendar, CalendarDay, Location
from oms_api.network.service.put import check_size, revise_locations, take_turn

CALENDARS_MAX = 250
YEARS_MAX = 10
REGIONS_TOLD = 10

_CLEAR = prepared(delete(table_of(CalendarDay)).where(mine(CalendarDay), any_of(CalendarDay.calendar_id, "calendars")))
_COLUMNS = ("name", "country", "region")


class Applied(NamedTuple):
    """What holidays came to: `added` are new in the calendar, `kept` were closed already."""

    calendar: Calendar
    added: list[tuple[date, str]]
    kept: list[tuple[date, str]]


async def put_calendars(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Calendar]:
    """Create or, by `handle`, change calendars, all or none: an absent key stays as it is, None clears it.

    Keys: `handle`, `name`, `country`, `region`, and `closed`: [(date, name)], which replaces the days. Raises every
    problem of the input at once: Invalid, Required.
    """
    check_size(changes, CALENDARS_MAX, "calendars")
    await take_turn(tx, carriers=True)
    handles = [change["handle"] for change in changes]
    known = await queries.calendars_by_handle(tx, handles)
    days = await queries.days_of(tx, [row.id for row in known.values()])
    counted = Counter(handles)
    problems: list[Refusal] = []
    rows: list[dict[str, Any]] = []
    now = clock.now()
    for i, change in enumerate(changes):
        path = ("input", "calendars", i)
        rules.check_handle(change["handle"], path, counted, problems)
        old = known.get(change["handle"])
        row = (
            dict(old.__dict__)
            if old
            else {**dict.fromkeys(_COLUMNS), "tenant_id": tx.tenant_id, "id": ids.new(), "created_at": now}
        )
        row |= {name: value for name, value in change.items() if name != "closed"} | {"updated_at": now}
        rules.check_calendar(row, path, problems)
        rules.check_days(change.get("closed") or (), (*path, "closed"), problems)
        rows.append(row)
    refuse(problems)
    saved = {
        row.handle: row
        for row in await tx.upsert(Calendar, rows, key=("tenant_id", "handle"), change=(*_COLUMNS, "updated_at"))
    }
    replaced: dict[UUID, Sequence[tuple[date, str]]] = {}
    for change in changes:
        old, new = known.get(change["handle"]), saved[change["handle"]]
        updated = [name for name in _COLUMNS if old is not None and getattr(old, name) != getattr(new, name)]
        if "closed" in change:
            before = {(day.on_date, day.name) for day in days.get(new.id, ())}
            if before != set(change["closed"] or ()):
                updated.append("closed")
                replaced[new.id] = change["closed"] or ()
        _tell(tx, old, new, updated)
    if replaced:
        await tx.run(_CLEAR, {"calendars": sorted(replaced)})
        await _close(tx, replaced)
    return [saved[handle] for handle in handles]


async def apply_holidays(tx: Tx, calendar: str, *, country: str, region: str | None, years: Sequence[int]) -> Applied:
    """Write the public holidays of a country into a calendar, which is made when there is none. Days that it has stay.

    They come from the package `holidays`, once, now: no request computes any. Raises Invalid and Required.
    """
    import holidays  # 80 ms that only this mutation needs

    problems = _check_holidays(country, region, years, holidays.list_supported_countries(include_aliases=False))
    rules.check_handle(calendar, ("input",), Counter([calendar]), problems)
    refuse(problems)
    found = holidays.country_holidays(country, subdiv=region, years=sorted(set(years)), language="en_US")
    wanted = sorted((day, name[:100]) for day, name in found.items() if day.year in years)
    known = (await queries.calendars_by_handle(tx, [calendar])).get(calendar)
    if known is not None and known.country is not None and (known.country, known.region) != (country, region):
        raise Invalid(
            f"{calendar} has the holidays of {_land(known.country, known.region)}; name another calendar for "
            f"{_land(country, region)}.",
            path=("input", "calendar"),
        )
    name = known.name if known else f"Holidays {_land(country, region)}"
    (row,) = await put_calendars(tx, [{"handle": calendar, "name": name, "country": country, "region": region}])
    before = {day.on_date: day.name for day in (await queries.days_of(tx, [row.id]))[row.id]}
    added = [(day, name) for day, name in wanted if day not in before]
    rules.check_days([*before.items(), *added], ("input", "years"), problems)
    refuse(problems)
    if added:
        await _close(tx, {row.id: added})
        _tell(tx, row, row, ["closed"])
    return Applied(row, added, [(day, before[day]) for day, _ in wanted if day in before])


def _land(country: str, region: str | None) -> str:
    return f"{country}-{region}" if region else country


async def put_location_calendars(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> list[Location]:
    """Say when locations are open, all or none: an absent key stays as it is, None clears it.

    Keys: `location` (its handle), `hours` and `exceptions` as the columns of `Location`, `calendar` (a handle),
    `processing_days`. Raises every problem of the input at once: Invalid, Required, NotFound.
    """
    known = await queries.calendar_handles(tx)

    def revise(change: Mapping[str, Any], path: Path, problems: list[Refusal]) -> dict[str, Any]:
        values = {name: value for name, value in change.items() if name != "location"}
        if values.get("processing_days", 0) is None:
            values["processing_days"] = 0
        rules.check_number(
            values.get("processing_days"), 0, rules.PROCESSING_DAYS_MAX, (*path, "processingDays"), problems
        )
        hours = values.get("hours")
        if hours is not None:
            rules.check_hours(hours, (*path, "hours"), problems)
            values["open_days"], values["cut_off"] = rules.short_form(hours)
        if values.get("exceptions") is not None:
            rules.check_exceptions(values["exceptions"], (*path, "exceptions"), problems)
            values["exceptions"] = sorted(values["exceptions"], key=lambda row: row["date"]) or None
        if values.get("calendar") is not None and values["calendar"] not in known:
            problems.append(rules.unknown_calendar(values["calendar"], (*path, "calendar")))
        return values

    return await revise_locations(tx, "locations", changes, revise)


def _check_holidays(
    country: str, region: str | None, years: Sequence[int], supported: Mapping[str, Sequence[str]]
) -> list[Refusal]:
    """`supported` is country → its regions."""
    problems: list[Refusal] = []
    if country not in supported:
        problems.append(
            Invalid(
                f"No holidays are known of {country[:40]!r}; send the days with calendarPut.",
                path=("input", "country"),
            )
        )
    elif region is not None and region not in supported[country]:
        known = sorted(supported[country])
        some = ", ".join(known[:REGIONS_TOLD]) or "none"
        some += f" and {len(known) - REGIONS_TOLD} more" if len(known) > REGIONS_TOLD else ""
        problems.append(
            Invalid(
                f"{region[:40]!r} is not a region of {country} whose holidays are known; they are: {some}.",
                path=("input", "region"),
            )
        )
    if not 1 <= len(years) <= YEARS_MAX:
        problems.append(Invalid(f"Send 1 to {YEARS_MAX} years, not {len(years)}.", path=("input", "years")))
    first, last = YEARS
    problems.extend(
        Invalid(f"The year {year} must be {first} to {last}.", path=("input", "years", i))
        for i, year in enumerate(years[:YEARS_MAX])
        if not first <= year <= last
    )
    return problems


async def _close(tx: Tx, days: Mapping[UUID, Sequence[tuple[date, str]]]) -> None:
    """Write days into calendars. One statement."""
    await tx.insert(
        CalendarDay,
        [
            {"tenant_id": tx.tenant_id, "calendar_id": calendar_id, "on_date": day, "name": name}
            for calendar_id, closed in sorted(days.items())
            for day, name in sorted(closed)
        ],
    )


def _tell(tx: Tx, old: Calendar | None, new: Calendar, updated: Sequence[str]) -> None:
    said: dict[str, Any] = {"handle": new.handle, "country": new.country, "region": new.region}
    if old is None:
        emit(tx, CalendarCreated(**said), subject=CALENDAR.ref(new.id), added=["calendar"])
    elif updated:
        emit(tx, CalendarUpdated(**said), subject=CALENDAR.ref(new.id), updated=[camel(name) for name in updated])
