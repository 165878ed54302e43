"""Ship days and delivery days."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.promising.rules.dates import (
    WEEKDAYS,
    Pickup,
    WorkingHours,
    collection_day,
    delivery_day,
    latest_ship_day,
    leaves_at,
    pickup_day,
    ship_day,
    work_day,
)

NAMES = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
MONDAY = date(2026, 11, 23)
NEW_YORK = ZoneInfo("America/New_York")


def at(day: date, hour: int, minute: int = 0, zone: str = "America/New_York") -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone))


def test_the_published_cut_off_and_weekend_case_comes_out() -> None:
    cases = json.loads((Path(__file__).parents[1] / "sourcing" / "cases" / "sourcing.json").read_text())
    case = next(case for case in cases if case["case"] == "cut-off and weekend")
    open_days = frozenset(range(1, 8)) - {NAMES.index(name) + 1 for name in case["closed"]}
    hours = WorkingHours("America/New_York", open_days, time.fromisoformat(case["cut_off"]))
    weekday, clock = case["asked"].split()
    asked = datetime.combine(MONDAY + timedelta(NAMES.index(weekday)), time.fromisoformat(clock), NEW_YORK)
    starts = work_day(asked, hours)
    assert starts is not None
    assert NAMES[starts.isoweekday() - 1] == case["work_starts"]
    shipped = ship_day(asked, hours)
    assert shipped is not None
    delivered = delivery_day(shipped, case["lead_business_days"])
    assert NAMES[delivered.isoweekday() - 1] == case["delivered"]
    assert delivered == MONDAY + timedelta(9)


def test_asking_before_the_cut_off_starts_the_same_day_and_at_it_the_next() -> None:
    hours = WorkingHours("America/New_York")
    assert work_day(at(MONDAY, 13, 59), hours) == MONDAY
    assert work_day(at(MONDAY, 14, 0), hours) == MONDAY + timedelta(1)


def test_the_cut_off_is_local_to_the_location() -> None:
    asked = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 15:00 in New York, noon in Los Angeles
    assert work_day(asked, WorkingHours("America/New_York")) == MONDAY + timedelta(1)
    assert work_day(asked, WorkingHours("America/Los_Angeles")) == MONDAY


def test_the_local_date_counts_not_the_callers() -> None:
    asked = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # Monday 22:00 in New York, Tuesday noon in Tokyo
    assert work_day(asked, WorkingHours("America/New_York", cut_off=time(23, 30))) == MONDAY
    assert work_day(asked, WorkingHours("Asia/Tokyo")) == MONDAY + timedelta(1)


def test_processing_takes_open_days_of_the_location() -> None:
    friday = MONDAY + timedelta(4)
    five_days = WorkingHours("America/New_York", processing_days=2)
    six_days = WorkingHours("America/New_York", frozenset({1, 2, 3, 4, 5, 6}), processing_days=2)
    assert ship_day(at(friday, 9), six_days) == MONDAY + timedelta(7)
    assert ship_day(at(friday, 9), five_days) == MONDAY + timedelta(8)


def test_a_parcel_packed_on_saturday_waits_for_the_carrier() -> None:
    saturday = MONDAY + timedelta(5)
    always = WorkingHours("America/New_York", frozenset(range(1, 8)))
    assert ship_day(at(saturday, 9), always) == saturday
    assert delivery_day(saturday, 1) == MONDAY + timedelta(8)


def test_closures_and_holidays_are_skipped() -> None:
    thanksgiving = date(2026, 11, 26)
    hours = WorkingHours("America/New_York", closures=frozenset({thanksgiving}))
    assert ship_day(at(thanksgiving, 9), hours) == date(2026, 11, 27)
    assert delivery_day(date(2026, 11, 25), 1, holidays={thanksgiving}) == date(2026, 11, 27)


def test_work_waits_for_units_that_come_later() -> None:
    hours = WorkingHours("America/New_York")
    assert ship_day(at(MONDAY, 15), hours, not_before=MONDAY) == MONDAY + timedelta(1)
    assert ship_day(at(MONDAY, 15), hours, not_before=MONDAY + timedelta(2)) == MONDAY + timedelta(2)
    assert ship_day(at(MONDAY, 15), hours, not_before=MONDAY + timedelta(5)) == MONDAY + timedelta(7)


def test_a_location_that_never_opens_never_ships() -> None:
    assert ship_day(at(MONDAY, 9), WorkingHours("America/New_York", frozenset())) is None


def test_zero_transit_days_arrive_on_the_day_of_pick_up() -> None:
    assert delivery_day(MONDAY, 0) == MONDAY


def test_a_parcel_leaves_by_the_local_cut_off() -> None:
    hours = WorkingHours("America/New_York")
    assert leaves_at(MONDAY, hours) == datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    assert leaves_at(date(2026, 7, 6), hours) == datetime(2026, 7, 6, 18, 0, tzinfo=UTC)  # daylight saving


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        ship_day(datetime(2026, 11, 23, 9), WorkingHours("UTC"))  # noqa: DTZ001
    with pytest.raises(ValueError, match="1 to 7"):
        WorkingHours("UTC", frozenset({0}))
    with pytest.raises(ValueError, match="processing days"):
        WorkingHours("UTC", processing_days=-1)
    with pytest.raises(ValueError, match="transit days"):
        delivery_day(MONDAY, -1)
    with pytest.raises(ValueError, match="never arrives"):
        delivery_day(MONDAY, 1, business_days=frozenset())


@given(
    st.integers(0, 2 * 365 * 24).map(lambda hours: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(0, 5),
    st.integers(0, 7),
)
def test_asking_later_never_arrives_earlier(
    asked: datetime, open_days: frozenset[int], processing: int, transit: int
) -> None:
    hours = WorkingHours("America/Chicago", open_days, time(12, 0), processing)
    first, second = ship_day(asked, hours), ship_day(asked + timedelta(hours=7), hours)
    assert first is not None
    assert second is not None
    assert first.isoweekday() in open_days
    assert asked.astimezone(ZoneInfo("America/Chicago")).date() <= first <= second
    assert first <= delivery_day(first, transit) <= delivery_day(second, transit)
    assert delivery_day(first, transit).isoweekday() in WEEKDAYS


def test_a_weekday_and_a_date_may_have_a_cut_off_of_their_own() -> None:
    saturday = MONDAY + timedelta(5)
    hours = WorkingHours(
        "America/New_York", cut_offs=((1, time(11)),), openings=((saturday, time(9, 30)),), closures=frozenset()
    )
    assert work_day(at(MONDAY, 10, 59), hours) == MONDAY
    assert work_day(at(MONDAY, 11), hours) == MONDAY + timedelta(1)
    assert work_day(at(MONDAY + timedelta(4), 14), hours) == saturday
    assert work_day(at(saturday, 9, 30), hours) == MONDAY + timedelta(7)
    assert leaves_at(saturday, hours) == datetime(2026, 11, 28, 14, 30, tzinfo=UTC)


def test_a_full_day_moves_what_leaves_to_the_next_with_room() -> None:
    hours = WorkingHours("America/New_York", processing_days=1)
    full = {MONDAY + timedelta(1), MONDAY + timedelta(2)}
    assert ship_day(at(MONDAY, 9), hours, full=full) == MONDAY + timedelta(3)


def test_what_is_open_on_no_day_of_three_years_never_ships() -> None:
    past = WorkingHours("America/New_York", frozenset(), openings=((date(2026, 1, 1), time(14)),))
    assert ship_day(at(MONDAY, 9), past) is None


def test_a_carrier_fetches_on_its_days_before_its_last_pick_up_and_not_on_its_holidays() -> None:
    hours = WorkingHours("America/New_York", frozenset(range(1, 8)), time(18))
    pickup = Pickup(frozenset({1, 2, 4}), time(16), frozenset({MONDAY + timedelta(3)}))
    assert pickup_day(at(MONDAY, 15, 59), hours, pickup, MONDAY) == MONDAY
    assert pickup_day(at(MONDAY, 16), hours, pickup, MONDAY) == MONDAY + timedelta(1)
    assert pickup_day(at(MONDAY, 16), hours, pickup, MONDAY + timedelta(1)) == MONDAY + timedelta(1)
    assert pickup_day(at(MONDAY, 9), hours, pickup, MONDAY + timedelta(2)) == MONDAY + timedelta(7)
    assert pickup_day(at(MONDAY, 9), hours, Pickup(frozenset()), MONDAY) is None


def test_customers_collect_the_same_day_until_the_window_ends() -> None:
    hours = WorkingHours("America/New_York", cut_off=time(18), collect_until=((1, time(17)),))
    assert collection_day(at(MONDAY, 16, 59), hours, MONDAY) == MONDAY
    assert collection_day(at(MONDAY, 17), hours, MONDAY) == MONDAY + timedelta(1)
    assert collection_day(at(MONDAY, 17), hours, MONDAY + timedelta(2)) == MONDAY + timedelta(2)


@given(
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(0, 6),
    st.integers(0, 40),
    st.frozensets(st.integers(0, 40)),
)
def test_the_latest_ship_day_is_the_last_that_arrives_in_time(
    open_days: frozenset[int], transit: int, wanted_in: int, full_in: frozenset[int]
) -> None:
    hours, wanted = WorkingHours("UTC", open_days), MONDAY + timedelta(wanted_in)
    full = {MONDAY + timedelta(i) for i in full_in}
    found = latest_ship_day(wanted, MONDAY, hours, lambda day: delivery_day(day, transit), full)
    days = [MONDAY + timedelta(i) for i in range(wanted_in + 1)]
    good = [day for day in days if hours.open_on(day) and day not in full and delivery_day(day, transit) <= wanted]
    assert found == (max(good) if good else None)
