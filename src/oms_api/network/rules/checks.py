"""Checks of locations and channels. Each adds what is wrong to `problems`: a caller hears of everything at once."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from oms_api.kit.errors import Invalid, NotFound, Path, Refusal, Required
from oms_api.kit.money import is_currency
from oms_api.kit.texts import is_text, tag_problems

COUNT_MAX = 1_000_000_000
PROCESSING_DAYS_MAX = 365
CHANNEL_LOCATIONS_MAX = 10_000
REASSIGNMENTS_MAX = 100
PAYMENT_WINDOW_S = (60, 90 * 86_400)
ADDRESS_LINES_MAX = 3

_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_CUT_OFF = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: at most 15 digits after the plus
_ADDRESS_LENGTHS = {"name": 255, "city": 255, "region": 100, "postalCode": 20, "company": 255}
# XK is user-assigned, not ISO's, but it is what carriers and marketplaces send for Kosovo
_BESIDE_ISO = frozenset({"XK"})


@lru_cache(1)
def timezones() -> frozenset[str]:
    """Names of the IANA database that the package carries: the same on every machine."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@lru_cache(1)
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, from the table beside the IANA database."""
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    return _BESIDE_ISO | {line[:2] for line in table.splitlines() if line and not line.startswith("#")}


def check_handle(handle: str, path: Path, counted: Counter[str], problems: list[Refusal]) -> None:
    if not _HANDLE.fullmatch(handle):
        problems.append(
            Invalid(
                f"{handle[:40]!r} is not a handle; use 1 to 100 of A-Z a-z 0-9 . _ : / -, no sign first.",
                path=(*path, "handle"),
            )
        )
    elif counted[handle] > 1:
        problems.append(Invalid(f"{handle} is named twice; send it once.", path=(*path, "handle")))


def check_text(value: str, name: str, max_: int, path: Path, problems: list[Refusal]) -> None:
    if not is_text(value, max_):
        problems.append(Invalid(f"{name} must have 1 to {max_} characters and no control characters.", path=path))


def check_number(value: int | None, least: int, most: int, path: Path, problems: list[Refusal]) -> None:
    if value is not None and not least <= value <= most:
        problems.append(Invalid(f"{path[-1]} {value} must be {least:,} to {most:,}.", path=path))


def check_location(change: Mapping[str, Any], row: Mapping[str, Any], path: Path, problems: list[Refusal]) -> None:
    """`change` is what was sent, `row` what the location would then be."""
    check_text(change["name"], "name", 255, (*path, "name"), problems)
    problems += tag_problems(change.get("tags"), path)
    if row["timezone"] not in timezones():
        problems.append(
            Invalid(
                f"{row['timezone'][:40]!r} is not an IANA time zone; send one such as 'Europe/Berlin'.",
                path=(*path, "timezone"),
            )
        )
    days = row["open_days"]
    if not days or len(set(days)) < len(days) or not all(1 <= day <= 7 for day in days):
        problems.append(
            Invalid(
                f"openDays {days[:10]} must name weekdays 1 (Monday) to 7 (Sunday), at least one, each once.",
                path=(*path, "openDays"),
            )
        )
    if row["cut_off"] is not None and not _CUT_OFF.fullmatch(row["cut_off"]):
        problems.append(
            Invalid(f"cutOff {row['cut_off'][:40]!r} must be a local time such as '14:00'.", path=(*path, "cutOff"))
        )
    check_number(row["processing_days"], 0, PROCESSING_DAYS_MAX, (*path, "processingDays"), problems)
    check_number(row["daily_capacity"], 0, COUNT_MAX, (*path, "dailyCapacity"), problems)
    check_number(row["safety_stock"], 0, COUNT_MAX, (*path, "safetyStock"), problems)
    problems += coordinate_problems(row["latitude"], row["longitude"], path)
    if change.get("address") is not None:
        check_address(change["address"], (*path, "address"), problems)
        if "latitude" in change["address"]:
            problems.append(
                Invalid(
                    "Send latitude and longitude of the location itself, not of its address.",
                    path=(*path, "address", "latitude"),
                )
            )


def coordinate_problems(latitude: float | None, longitude: float | None, path: Path) -> list[Refusal]:
    """What is wrong with coordinates: both or neither, in degrees."""
    found: list[Refusal] = []
    for name, value, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if value is not None and not (math.isfinite(value) and -most <= value <= most):
            found.append(Invalid(f"{name} {value} must be -{most} to {most} degrees.", path=(*path, name)))
    if (latitude is None) != (longitude is None):
        name, other = ("latitude", "longitude") if latitude is None else ("longitude", "latitude")
        found.append(Required(f"{other} needs {name}; send both or neither.", path=(*path, name)))
    return found


def check_address(address: Mapping[str, Any], path: Path, problems: list[Refusal]) -> None:
    """An address as `Location.address` holds it: name, 1-3 lines, city and country at least."""
    for name, max_ in _ADDRESS_LENGTHS.items():
        value = address[name]
        if value is not None:
            check_text(value, name, max_, (*path, name), problems)
    lines = address["lines"]
    if not 1 <= len(lines) <= ADDRESS_LINES_MAX:
        problems.append(
            Invalid(f"An address has 1 to {ADDRESS_LINES_MAX} lines, not {len(lines)}.", path=(*path, "lines"))
        )
    else:
        for i, line in enumerate(lines):
            check_text(line, "a line", 255, (*path, "lines", i), problems)
    if address["country"] not in countries():
        problems.append(
            Invalid(
                f"{address['country'][:40]!r} is not an ISO 3166-1 alpha-2 country; send one such as 'DE'.",
                path=(*path, "country"),
            )
        )
    problems += coordinate_problems(address.get("latitude"), address.get("longitude"), path)
    phone = address["phone"]
    if phone is not None and not _PHONE.fullmatch(phone):
        problems.append(
            Invalid("phone must be in E.164 form: plus, country code, number, no blanks.", path=(*path, "phone"))
        )


def check_channel(
    change: Mapping[str, Any], row: Mapping[str, Any], currency_before: str | None, path: Path, problems: list[Refusal]
) -> None:
    """`currency_before` is None for a new channel."""
    check_text(change["name"], "name", 255, (*path, "name"), problems)
    currency = row["currency"]
    if not is_currency(currency):
        problems.append(
            Invalid(f"{currency[:40]!r} is not an ISO 4217 currency; send one such as EUR.", path=(*path, "currency"))
        )
    elif currency_before is not None and currency != currency_before:
        problems.append(
            Invalid(
                f"{row['handle']} sells in {currency_before} and keeps its currency, since its orders count in it. "
                f"Make another channel for {currency}.",
                path=(*path, "currency"),
            )
        )
    check_number(row["threshold"], 0, COUNT_MAX, (*path, "threshold"), problems)
    check_number(row["max_shipments"], 1, COUNT_MAX, (*path, "maxShipments"), problems)
    check_number(row["max_reassignments"], 0, REASSIGNMENTS_MAX, (*path, "maxReassignments"), problems)
    check_number(row["payment_window_s"], *PAYMENT_WINDOW_S, (*path, "paymentWindowSeconds"), problems)


def check_served_by(handles: Sequence[str], known: Mapping[str, Any], path: Path, problems: list[Refusal]) -> None:
    """The locations of a channel: known ones, each once."""
    if len(handles) > CHANNEL_LOCATIONS_MAX:
        problems.append(
            Invalid(
                f"{len(handles)} locations are too many; a channel has at most {CHANNEL_LOCATIONS_MAX:,}.",
                path=(*path, "locations"),
            )
        )
        return
    seen: set[str] = set()
    for i, handle in enumerate(handles):
        if handle in seen:
            problems.append(
                Invalid(f"{handle[:100]!r} is named twice; name each location once.", path=(*path, "locations", i))
            )
        elif handle not in known:
            problems.append(unknown_location(handle, (*path, "locations", i)))
        seen.add(handle)


def unknown_location(handle: str, path: Path) -> Refusal:
    return NotFound(f"There is no location {handle[:100]!r}; create it with locationPut first.", path=path)
