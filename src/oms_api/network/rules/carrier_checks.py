"""What a put of a carrier service may say: its zones and rates are checked against each other."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from oms_api.kit.errors import Invalid, NotFound, Path, Refusal, Required
from oms_api.kit.times import out_of_reach
from oms_api.network.rules.carriers import HIGHEST
from oms_api.network.rules.checks import COUNT_MAX, check_number, check_text
from oms_api.network.rules.hours import check_country, unknown_calendar

ZONES_MAX = 1000
RATES_MAX = 1000
TRANSIT_DAYS_MAX = 90
KM_MAX = 20_100  # half of the Earth's circumference, and a little
GRAMS_MAX = 100_000_000
DIM_DIVISOR_MAX = 100_000


def check_service(row: Mapping[str, Any], calendars: Collection[str], path: Path, problems: list[Refusal]) -> None:
    """A carrier service as it would be; `calendars` are the handles that the tenant has."""
    check_text(row["name"], "name", 255, (*path, "name"), problems)
    check_text(row["carrier"], "carrier", 100, (*path, "carrier"), problems)
    check_weekdays(row["business_days"], (*path, "businessDays"), problems)
    check_weekdays(row["pickup_days"], (*path, "pickupDays"), problems)
    check_number(row["dim_divisor"], 1, DIM_DIVISOR_MAX, (*path, "dimDivisor"), problems)
    for i, handle in enumerate(row["holidays"]):
        if handle not in calendars:
            problems.append(unknown_calendar(handle, (*path, "calendars", i)))
    _check_zones(row["zones"], (*path, "zones"), problems)
    _check_rates(row["rates"], (*path, "rates"), problems)
    if len(row["zones"]) <= ZONES_MAX and len(row["rates"]) <= RATES_MAX:
        _check_both(row["zones"], row["rates"], path, problems)


def check_weekdays(days: Sequence[int], path: Path, problems: list[Refusal]) -> None:
    if not days or len(set(days)) < len(days) or not all(1 <= day <= 7 for day in days):
        problems.append(
            Invalid(
                f"{path[-1]} {list(days)[:10]} must name weekdays 1 (Monday) to 7 (Sunday), at least one, each once.",
                path=path,
            )
        )


def check_offers(
    offers: Sequence[Mapping[str, Any]], services: Collection[str], path: Path, problems: list[Refusal]
) -> None:
    """The services that a location offers: known ones, each once."""
    if not offers:
        problems.append(
            Required("Name at least one service; null offers all, `ships: false` on the location none.", path=path)
        )
    seen: set[str] = set()
    for i, offer in enumerate(offers):
        handle = offer["service"]
        if handle in seen:
            problems.append(Invalid(f"{handle[:100]!r} is named twice; send it once.", path=(*path, i, "service")))
        elif handle not in services:
            problems.append(
                NotFound(
                    f"There is no carrier service {handle[:100]!r}; create it with carrierServicePut first.",
                    path=(*path, i, "service"),
                )
            )
        seen.add(handle)
        if offer["pickupDays"] is not None:
            check_weekdays(offer["pickupDays"], (*path, i, "pickupDays"), problems)


def _check_zones(zones: Sequence[Mapping[str, Any]], path: Path, problems: list[Refusal]) -> None:
    if len(zones) > ZONES_MAX:
        problems.append(Invalid(f"{len(zones)} zones are too many; a service has at most {ZONES_MAX:,}.", path=path))
        return
    for i, row in enumerate(zones):
        at = (*path, i)
        check_text(row["zone"], "zone", 40, (*at, "zone"), problems)
        if row["originZone"] is not None:
            check_text(row["originZone"], "originZone", 40, (*at, "originZone"), problems)
        check_country(row["country"], (*at, "country"), problems)
        check_number(row["transitDays"], 0, TRANSIT_DAYS_MAX, (*at, "transitDays"), problems)
        check_number(row["transitDaysP80"], 0, TRANSIT_DAYS_MAX, (*at, "transitDaysP80"), problems)
        if row["transitDaysP80"] is not None and row["transitDaysP80"] < row["transitDays"]:
            problems.append(
                Invalid(
                    f"transitDaysP80 {row['transitDaysP80']} cannot be less than transitDays {row['transitDays']}.",
                    path=(*at, "transitDaysP80"),
                )
            )
        km = row["upToKm"]
        if km is not None and not (math.isfinite(km) and 0 < km <= KM_MAX):
            problems.append(Invalid(f"upToKm {km} must be more than 0 and at most {KM_MAX:,}.", path=(*at, "upToKm")))
        _check_range(row, at, problems)
    _check_overlaps(zones, path, problems)


def _check_range(row: Mapping[str, Any], path: Path, problems: list[Refusal]) -> None:
    start, end = row["postalFrom"], row["postalTo"]
    if start is None and end is None:
        return
    if start is None or end is None:
        problems.append(Required("Send both postalFrom and postalTo, or neither.", path=(*path, "postalFrom")))
        return
    if row["country"] is None:
        problems.append(Required("Postal codes need their country.", path=(*path, "country")))
    problems.extend(
        Invalid(f"{name} {row[name][:20]!r} must be a prefix of 1 to 10 characters.", path=(*path, name))
        for name in ("postalFrom", "postalTo")
        if not 1 <= len(row[name]) <= 10
    )
    if end + HIGHEST < start:
        problems.append(
            Invalid(
                f"postalTo {end[:20]!r} comes before postalFrom {start[:20]!r}; swap them.", path=(*path, "postalTo")
            )
        )


def _check_overlaps(zones: Sequence[Mapping[str, Any]], path: Path, problems: list[Refusal]) -> None:
    """Rows for the same destinations differ in their distance; ranges of postal codes have no code in common."""
    scopes: dict[Any, list[int]] = defaultdict(list)
    for i, row in enumerate(zones):
        scopes[row["originZone"], row["country"], row["postalFrom"], row["postalTo"]].append(i)
    for indexes in scopes.values():
        seen: dict[float | None, int] = {}
        for i in indexes:
            km = zones[i]["upToKm"]
            if km in seen:
                problems.append(
                    Invalid(
                        f"Zones {seen[km]} and {i} are for the same destinations and distance; keep one.",
                        path=(*path, i),
                    )
                )
            seen.setdefault(km, i)
    ranges: dict[Any, list[tuple[str, str, int]]] = defaultdict(list)
    for (origin, country, start, end), indexes in scopes.items():
        if start is not None and end is not None:
            ranges[origin, country].append((start, end, indexes[0]))
    for of_scope in ranges.values():
        for (start, end, i), (start_next, end_next, j) in pairwise(sorted(of_scope)):
            if start_next <= end + HIGHEST:
                problems.append(
                    Invalid(
                        f"Postal codes {start}-{end} of zone {i} overlap {start_next}-{end_next} of zone {j}; "
                        "send ranges that do not.",
                        path=(*path, j, "postalFrom"),
                    )
                )


def _check_rates(rates: Sequence[Mapping[str, Any]], path: Path, problems: list[Refusal]) -> None:
    if len(rates) > RATES_MAX:
        problems.append(Invalid(f"{len(rates)} rates are too many; a service has at most {RATES_MAX:,}.", path=path))
        return
    seen: dict[Any, int] = {}
    for i, row in enumerate(rates):
        check_number(row["upToGrams"], 1, GRAMS_MAX, (*path, i, "upToGrams"), problems)
        for name in ("fixed", "perKg"):
            check_number(row[name], 0, COUNT_MAX, (*path, i, name), problems)
        if row["validFrom"]:
            problems += out_of_reach(date.fromisoformat(row["validFrom"]), (*path, i, "validFrom"))
        key = (row["zone"], row["currency"], row["validFrom"], row["upToGrams"])
        if key in seen:
            problems.append(
                Invalid(
                    f"Rates {seen[key]} and {i} are for the same zone, currency, day and weight; keep one.",
                    path=(*path, i),
                )
            )
        seen.setdefault(key, i)


def _check_both(
    zones: Sequence[Mapping[str, Any]], rates: Sequence[Mapping[str, Any]], path: Path, problems: list[Refusal]
) -> None:
    """Every zone has a rate in every currency of the service, and every rate a zone."""
    named: dict[str, int] = {}
    for i, row in enumerate(zones):
        named.setdefault(row["zone"], i)
    if not zones:
        problems.append(Required("Send at least one zone: a service without goes nowhere.", path=(*path, "zones")))
    currencies = sorted({row["currency"] for row in rates})
    if zones and not currencies:
        problems.append(Required("Send rates: a zone without one has no price.", path=(*path, "rates")))
    priced = {(row["zone"], row["currency"]) for row in rates}
    problems.extend(
        Invalid(f"Zone {zone[:40]!r} has no rate in {currency}; send one.", path=(*path, "zones", i, "zone"))
        for zone, i in named.items()
        for currency in currencies
        if (zone, currency) not in priced
    )
    for i, row in enumerate(rates):
        if row["zone"] not in named:
            problems.append(
                Invalid(
                    f"There is no zone {row['zone'][:40]!r} for this rate; send it with the zones.",
                    path=(*path, "rates", i, "zone"),
                )
            )
