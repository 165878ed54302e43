"""Custom scalars. Parsing refuses with a sentence that names the value; nothing is coerced silently."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NewType
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError, ValueNode
from graphql.utilities import value_from_ast_untyped

from oms_api.kit.events import rfc3339
from oms_api.kit.money import is_currency

BigInt = NewType("BigInt", int)
CurrencyCode = NewType("CurrencyCode", str)
CountryCode = NewType("CountryCode", str)
Url = NewType("Url", str)
Json = NewType("Json", object)

_COUNTRY = re.compile(r"[A-Z]{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,18})?", re.ASCII)


def _bad(kind: str, value: Any, want: str) -> GraphQLError:
    shown = repr(value)
    return GraphQLError(f"{shown[:60]}{'…' if len(shown) > 60 else ''} is not a {kind}; send {want}.")


def _datetime(value: Any) -> datetime:
    if isinstance(value, str) and _DATETIME.fullmatch(value):
        text = value.upper().replace("Z", "+00:00")
        whole, point, rest = text.partition(".")
        if point:  # fromisoformat takes at most six digits
            digits = re.match(r"\d+", rest).group()  # type: ignore[union-attr]
            text = f"{whole}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _bad("DateTime", value, "an RFC 3339 instant with offset such as '2026-11-22T04:35:10Z'")


def _date(value: Any) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _bad("Date", value, "a calendar date such as '2026-11-22'")


def _time(value: Any) -> time:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return time.fromisoformat(value)
    raise _bad("LocalTime", value, "a local time such as '14:00'")


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
    raise _bad("Decimal", value, "a decimal as a string such as '19.90'")


def _big_int(value: Any) -> int:
    if (isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value, re.ASCII)) or (
        isinstance(value, int) and not isinstance(value, bool)
    ):
        number = int(value)
        if -(2**63) <= number < 2**63:
            return number
    raise _bad("BigInt", value, "an integer up to 2^63-1 as a string such as '1990'")


def _currency(value: Any) -> str:
    if isinstance(value, str) and is_currency(value):
        return value
    raise _bad("CurrencyCode", value, "an ISO 4217 code such as 'EUR'")


def _country(value: Any) -> str:
    if isinstance(value, str) and _COUNTRY.fullmatch(value):
        return value
    raise _bad("CountryCode", value, "an ISO 3166-1 alpha-2 code such as 'DE'")


def _url(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 2048 and value.isprintable() and " " not in value:
        try:
            parts = urlsplit(value)
            if parts.scheme in ("http", "https") and parts.hostname:
                return value
        except ValueError:
            pass
    raise _bad("URL", value, "an absolute URL such as 'https://example.com/hook' (at most 2,048 characters)")


JSON_DEPTH_MAX = 32


def _json(value: Any) -> Any:
    level = [value]
    for _ in range(JSON_DEPTH_MAX):
        for item in level:
            if isinstance(item, int | float) and not -(2**63) <= item < 2**63:
                raise _bad("JSON number", item, "one that fits 64 bits")
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return value
    raise GraphQLError(f"JSON nested deeper than {JSON_DEPTH_MAX} levels.")


def _json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    return _json(value_from_ast_untyped(node, variables))


def _keep(value: Any) -> Any:
    return value


_DATE_TIME_URL = "https://scalars.graphql.org/andimarek/date-time.html"
_LOCAL_DATE_URL = "https://scalars.graphql.org/andimarek/local-date.html"

SCALARS: dict[object, Any] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 instant with offset, always rendered in UTC: `2026-11-22T04:35:10.123456Z`.",
        specified_by_url=_DATE_TIME_URL,
        serialize=rfc3339,
        parse_value=_datetime,
    ),
    date: strawberry.scalar(
        name="Date",
        description="Calendar date `YYYY-MM-DD`, no zone.",
        specified_by_url=_LOCAL_DATE_URL,
        serialize=date.isoformat,
        parse_value=_date,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='Exact decimal as a JSON string: `"19.90"`. Never a float. Input accepts a string only.',
        serialize=str,
        parse_value=_decimal,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="Integer up to 2^63-1 as a JSON string (GraphQL Int is 32 bit).",
        serialize=str,
        parse_value=_big_int,
    ),
    time: strawberry.scalar(
        name="LocalTime",
        description="Local time of day `HH:MM`, no zone.",
        serialize=lambda value: value.strftime("%H:%M"),
        parse_value=_time,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="ISO 4217 alphabetic code: `EUR`.",
        serialize=_keep,
        parse_value=_currency,
    ),
    CountryCode: strawberry.scalar(
        name="CountryCode",
        description="ISO 3166-1 alpha-2 code: `DE`.",
        serialize=_keep,
        parse_value=_country,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="Absolute URL; https, except loopback addresses in test mode.",
        specified_by_url="https://url.spec.whatwg.org/",
        serialize=_keep,
        parse_value=_url,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value. Only for metadata and event payloads.",
        serialize=_keep,
        parse_value=_json,
        parse_literal=_json_literal,
    ),
}
