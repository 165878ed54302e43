"""Calendars, holidays and opening hours through the API."""

from typing import Any

from oms_api import network
from world import Api, World, statements

CALENDAR = """handle name country region closed { date name }"""
PUT = f"""mutation($input: CalendarPutInput!) {{ calendarPut(input: $input) {{
  calendars {{ {CALENDAR} }} userErrors {{ code message path }} }} }}"""
GET = f"query($handle: String!) {{ calendar(handle: $handle) {{ {CALENDAR} }} }}"
HOLIDAYS = f"""mutation($input: HolidaysApplyInput!) {{ holidaysApply(input: $input) {{
  calendar {{ {CALENDAR} }} added {{ date name }} kept {{ date name }} userErrors {{ code message path }} }} }}"""
OPEN = """mutation($input: LocationCalendarPutInput!) { locationCalendarPut(input: $input) {
  locations { handle openDays cutOff processingDays calendar { handle }
    hours { weekday opens closes cutOff collectFrom collectUntil }
    exceptions { date name opens closes cutOff } }
  userErrors { code message path } } }"""
LOCATIONS = """mutation($input: LocationPutInput!) { locationPut(input: $input) {
  locations { handle openDays cutOff hours { weekday } } userErrors { code message path } } }"""

NEW_YEAR = {"date": "2026-01-01", "name": "New Year's Day"}
NO_HOURS = {"cutOff": None, "collectFrom": None, "collectUntil": None}


async def locations(api: Api, *handles: str, **more: Any) -> None:
    await api.ok(LOCATIONS, input={"locations": [{"handle": handle, "name": handle, **more} for handle in handles]})


async def test_a_calendar_keeps_its_days_in_order_and_absent_keeps_while_null_clears(api: Api) -> None:
    days = [{"date": "2026-12-25", "name": "Christmas"}, NEW_YEAR]
    made = await api.ok(
        PUT, input={"calendars": [{"handle": "de", "name": "Germany", "country": "DE", "closed": days}]}
    )
    want = {"handle": "de", "name": "Germany", "country": "DE", "region": None, "closed": days[::-1]}
    assert made["calendars"] == [want]
    await api.ok(PUT, input={"calendars": [{"handle": "de", "name": "All of Germany"}]})
    assert (await api(GET, handle="de"))["calendar"] == {**want, "name": "All of Germany"}
    await api.ok(PUT, input={"calendars": [{"handle": "de", "name": "Germany", "closed": None, "country": None}]})
    assert (await api(GET, handle="de"))["calendar"] == {**want, "country": None, "closed": []}


async def test_calendars_are_written_in_a_few_statements_for_any_number_of_them(api: Api) -> None:
    async def put(count: int) -> int:
        rows = [{"handle": f"c{i}", "name": "C", "closed": [NEW_YEAR]} for i in range(count)]
        with statements() as found:
            await api.ok(PUT, input={"calendars": rows})
        return len(found)

    assert await put(1) == await put(20)


async def test_what_is_wrong_with_calendars_is_told_at_once_and_nothing_is_written(api: Api) -> None:
    errors = await api.refused(
        PUT,
        input={
            "calendars": [
                {"handle": "good", "name": "Good"},
                {"handle": "no blanks", "name": "", "region": "NY", "closed": [NEW_YEAR, NEW_YEAR]},
                {"handle": "land", "name": "L", "country": "ZZ"},
            ]
        },
    )
    assert [(error["code"], ".".join(error["path"][2:])) for error in errors] == [
        ("INVALID", "1.handle"),
        ("INVALID", "1.name"),
        ("REQUIRED", "1.country"),
        ("INVALID", "1.closed.1.date"),
        ("INVALID", "2.country"),
    ]
    assert errors[3]["message"] == "2026-01-01 is named twice; send each date once."
    assert (await api(GET, handle="good"))["calendar"] is None


async def test_holidays_of_a_country_are_written_down_once_and_days_that_are_there_stay(api: Api) -> None:
    own = {"date": "2026-12-25", "name": "Closed for Christmas"}
    await api.ok(PUT, input={"calendars": [{"handle": "us", "name": "US", "country": "US", "closed": [own]}]})
    sent = {"calendar": "us", "country": "US", "years": [2026]}
    dry = await api.ok(HOLIDAYS, input={**sent, "dryRun": True})
    assert dry["calendar"] is None
    assert dry["kept"] == [own]
    assert NEW_YEAR in dry["added"]
    assert (await api(GET, handle="us"))["calendar"]["closed"] == [own]
    done = await api.ok(HOLIDAYS, input=sent)
    assert (done["added"], done["kept"]) == (dry["added"], [own])
    days = [*done["added"], own]
    assert done["calendar"]["closed"] == sorted(days, key=lambda day: day["date"])
    assert {"date": "2026-11-26", "name": "Thanksgiving Day"} in days
    again = await api.ok(HOLIDAYS, input=sent)
    assert (again["added"], again["kept"]) == ([], sorted(days, key=lambda day: day["date"]))


async def test_a_calendar_is_made_for_a_region_and_unknown_ones_are_refused(api: Api) -> None:
    made = await api.ok(HOLIDAYS, input={"calendar": "by", "country": "DE", "region": "BY", "years": [2026]})
    assert (made["calendar"]["name"], made["calendar"]["region"]) == ("Holidays DE-BY", "BY")
    assert {"date": "2026-06-04", "name": "Corpus Christi"} in made["added"]
    assert [
        (error["path"], error["message"])
        for error in await api.refused(
            HOLIDAYS, input={"calendar": "x", "country": "DE", "region": "XX", "years": [2026, 1]}
        )
    ] == [
        (
            ["input", "region"],
            "'XX' is not a region of DE whose holidays are known; they are: "
            "Augsburg, BB, BE, BW, BY, HB, HE, HH, MV, NI and 7 more.",
        ),
        (["input", "years", "1"], "The year 1 must be 1970 to 2100."),
    ]
    assert await api.codes(HOLIDAYS, input={"calendar": "x", "country": "XK", "years": []}) == ["INVALID"]
    assert (await api(GET, handle="x"))["calendar"] is None


async def test_a_calendar_keeps_the_country_whose_holidays_it_has(api: Api) -> None:
    await api.ok(HOLIDAYS, input={"calendar": "us", "country": "US", "years": [2026]})
    before = (await api(GET, handle="us"))["calendar"]
    for other, named in (({"country": "DE"}, "DE"), ({"country": "US", "region": "NY"}, "US-NY")):
        (error,) = await api.refused(HOLIDAYS, input={"calendar": "us", "years": [2026], **other})
        assert (error["code"], error["path"]) == ("INVALID", ["input", "calendar"])
        assert error["message"] == f"us has the holidays of US; name another calendar for {named}."
    assert (await api(GET, handle="us"))["calendar"] == before


async def test_hours_by_weekday_replace_the_short_form_and_say_as_much_of_it_as_it_can(api: Api) -> None:
    await locations(api, "a", openDays=[1], cutOff="09:00")
    await api.ok(PUT, input={"calendars": [{"handle": "de", "name": "Germany"}]})
    hours = [
        {"weekday": 5, "opens": "08:00", "closes": "12:00", **NO_HOURS, "cutOff": "11:00"},
        {"weekday": 1, "opens": "08:00", "closes": "12:00", **NO_HOURS},
        {
            "weekday": 1,
            "opens": "13:00",
            "closes": "18:00",
            **NO_HOURS,
            "collectFrom": "14:00",
            "collectUntil": "17:00",
        },
    ]
    exceptions = [
        {"date": "2026-12-31", "name": "Stock-taking", "opens": "08:00", "closes": "10:00", "cutOff": None},
        {"date": "2026-12-24", "name": None, "opens": None, "closes": None, "cutOff": None},
    ]
    sent = {"location": "a", "hours": hours, "exceptions": exceptions, "calendar": "de", "processingDays": 2}
    (saved,) = (await api.ok(OPEN, input={"locations": [sent]}))["locations"]
    assert saved == {
        "handle": "a", "openDays": [1, 5], "cutOff": None, "processingDays": 2, "calendar": {"handle": "de"},
        "hours": hours, "exceptions": exceptions[::-1],
    }  # fmt: skip
    same = [{**window, "closes": "18:00", "cutOff": "11:00"} for window in hours[:2]]
    (saved,) = (await api.ok(OPEN, input={"locations": [{"location": "a", "hours": same}]}))["locations"]
    assert (saved["openDays"], saved["cutOff"], saved["exceptions"]) == ([1, 5], "11:00", exceptions[::-1])


async def test_the_short_form_replaces_hours_and_other_fields_leave_them(api: Api) -> None:
    await locations(api, "a")
    hours = [{"weekday": 6, "opens": "08:00", "closes": "12:00"}]
    await api.ok(OPEN, input={"locations": [{"location": "a", "hours": hours}]})
    sent = {"handle": "a", "name": "A"}
    (kept,) = (await api.ok(LOCATIONS, input={"locations": [sent]}))["locations"]
    assert (kept["openDays"], kept["cutOff"], kept["hours"]) == ([6], "12:00", [{"weekday": 6}])
    (now,) = (await api.ok(LOCATIONS, input={"locations": [{**sent, "openDays": [1]}]}))["locations"]
    assert (now["openDays"], now["hours"]) == ([1], [])


async def test_what_is_wrong_with_opening_hours_is_told_at_once_and_nothing_is_written(world: World, api: Api) -> None:
    await locations(api, "a", "b", "c")

    async def rows() -> list[dict[str, Any]]:
        async with world.db.reading(api.tenant_id) as reading:
            found = await network.locations_by_handle(reading, ["a", "b", "c"])
        return [found[handle].__dict__ for handle in "abc"]

    before = await rows()
    week = {"weekday": 1, "opens": "08:00", "closes": "12:00"}
    errors = await api.refused(
        OPEN,
        input={
            "locations": [
                {"location": "a", "hours": [week]},
                {
                    "location": "b",
                    "hours": [week, {**week, "opens": "11:00", "closes": "13:00"}, {**week, "weekday": 8}],
                    "exceptions": [
                        {"date": "2026-12-24"}, {"date": "2026-12-24", "opens": "08:00", "closes": "09:00"},
                        {"date": "2026-12-25", "opens": "08:00"}, {"date": "2026-12-26", "cutOff": "08:00"},
                    ],
                    "calendar": "none", "processingDays": 366,
                },
                {
                    "location": "c",
                    "hours": [
                        {**week, "closes": "08:00"}, {**week, "weekday": 2, "cutOff": "13:00"},
                        {**week, "weekday": 3, "collectFrom": "09:00"},
                        {**week, "weekday": 4, "collectFrom": "10:00", "collectUntil": "09:00"},
                    ],
                },
                {"location": "d", "hours": []},
                {"location": "a"},
            ]
        },
    )  # fmt: skip
    assert [(error["code"], ".".join(error["path"][2:])) for error in errors] == [
        ("INVALID", "0.location"),
        ("INVALID", "1.processingDays"),
        ("INVALID", "1.hours.2.weekday"),
        ("INVALID", "1.hours"),
        ("INVALID", "1.exceptions.1.date"),
        ("REQUIRED", "1.exceptions.2.opens"),
        ("INVALID", "1.exceptions.3.cutOff"),
        ("NOT_FOUND", "1.calendar"),
        ("INVALID", "2.hours.0.closes"),
        ("INVALID", "2.hours.1.cutOff"),
        ("REQUIRED", "2.hours.2.collectFrom"),
        ("INVALID", "2.hours.3.collectUntil"),
        ("NOT_FOUND", "3.location"),
        ("REQUIRED", "3.hours"),
        ("INVALID", "4.location"),
    ]
    assert errors[3]["message"] == "Monday 08:00-12:00 overlaps 11:00-13:00; send hours that do not."
    assert await rows() == before


async def test_another_tenants_calendar_is_not_there(world: World, api: Api) -> None:
    await api.ok(PUT, input={"calendars": [{"handle": "mine", "name": "Mine"}]})
    other = await world.tenant()
    assert (await other(GET, handle="mine"))["calendar"] is None
    await locations(other, "a")
    assert await other.codes(OPEN, input={"locations": [{"location": "a", "calendar": "mine"}]}) == ["NOT_FOUND"]


async def test_each_change_has_its_fact(world: World, api: Api) -> None:
    sent = {"handle": "de", "name": "Germany", "closed": [NEW_YEAR]}
    await api.ok(PUT, input={"calendars": [sent]})
    await api.ok(PUT, input={"calendars": [sent]})
    await api.ok(PUT, input={"calendars": [{**sent, "name": "D", "closed": []}]})
    await locations(api, "a")
    await api.ok(OPEN, input={"locations": [{"location": "a", "calendar": "de"}]})
    await world.settle()
    events = await api("{ events(first: 10) { nodes { topic changes { added updated } } } }")
    assert [(node["topic"], node["changes"]) for node in events["events"]["nodes"]] == [
        ("calendar.created", {"added": ["calendar"], "updated": []}),
        ("calendar.updated", {"added": [], "updated": ["name", "closed"]}),
        ("location.created", {"added": ["location"], "updated": []}),
        ("location.updated", {"added": [], "updated": ["calendar"]}),
    ]
