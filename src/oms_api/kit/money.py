"""Money: whole minor units and an ISO 4217 currency. Never a float, never rounded on the way in."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from babel.core import Locale, UnknownLocaleError
from babel.numbers import format_currency, list_currencies

from oms_api.kit.errors import InvalidAmount

# ISO 4217, column "minor unit"; every currency that is not named here has two digits. (CLDR's digits are those of
# everyday display and differ for a dozen currencies: IQD, AFN, ALL…)
_DIGITS = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)

_CURRENCIES = frozenset(list_currencies())
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?")
LARGEST_MINOR = 10**15  # a thousand times below BIGINT, so that sums of 500 lines cannot overflow


class Money(NamedTuple):
    """An amount of one currency, in minor units."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return f"{major(self.minor, self.currency)} {self.currency}"


def is_currency(code: str) -> bool:
    return code in _CURRENCIES


def digits(currency: str) -> int:
    """Fraction digits of a currency: 0, 2 or 3."""
    return _DIGITS.get(currency, 2)


def major(minor: int, currency: str) -> str:
    """`1990, "EUR"` → `"19.90"`."""
    places = digits(currency)
    if places == 0:
        return str(minor)
    sign, text = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{text[:-places]}.{text[-places:]}"


def parse(amount: str | Decimal, currency: str, path: Sequence[str | int] = ()) -> int:
    """`"19.90", "EUR"` → 1990. Raises InvalidAmount; excess digits are refused, never rounded."""
    text = format(amount, "f") if isinstance(amount, Decimal) else amount
    if not is_currency(currency):
        raise InvalidAmount(f"{currency!r} is not an ISO 4217 currency; send one such as EUR.", path=path)
    if len(text) > 40 or not _DECIMAL.fullmatch(text):
        raise InvalidAmount(f"{text[:40]!r} is not an amount; send major units as a string such as '19.90'.", path=path)
    whole, _, fraction = text.partition(".")
    places = digits(currency)
    if len(fraction.rstrip("0")) > places:
        raise InvalidAmount(f"{text!r} has more fraction digits than {currency} has ({places}).", path=path)
    minor = int(whole + fraction[:places].ljust(places, "0"))
    if abs(minor) > LARGEST_MINOR:
        raise InvalidAmount(f"{text!r} is larger than {LARGEST_MINOR} minor units.", path=path)
    return minor


@lru_cache(4096)
def formatted(minor: int, currency: str, locale: str) -> str:
    """For humans: `19,90 €`. Raises ValueError for an unknown BCP 47 locale."""
    try:
        known = Locale.parse(locale.replace("_", "-"), sep="-")
    except UnknownLocaleError as error:
        raise ValueError(str(error)) from error
    return format_currency(Decimal(minor).scaleb(-digits(currency)), currency, locale=known, currency_digits=True)


def prorate(total: int, weights: Sequence[int]) -> list[int]:
    """Shares of `total` in proportion to `weights`, summing exactly: the largest-remainder method (Hamilton).

    The first of equal remainders wins; all weights zero means equal weights; a negative total is shared like its
    absolute value. O(n log n).
    """
    if not weights:
        return []
    if total < 0:
        return [-share for share in prorate(-total, weights)]
    if not any(weights):
        weights = [1] * len(weights)
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in remainders[: total - sum(shares)]:
        shares[i] += 1
    return shares


def unit_slice(total: int, units: int, start: int, count: int) -> int:
    """What units `start … start+count-1` of `units` carry of `total`: a cumulative slice.

    So refunding unit by unit equals refunding at once, whatever the order of the slices.
    """
    return total * (start + count) // units - total * start // units
