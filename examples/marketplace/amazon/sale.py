"""An order as Amazon tells it, in one shape for both versions of its API, and the `orderCreate` input that it becomes.

Amounts are whole minor units. Amazon does not say whether its taxes are on top of its prices or contained in them (it
differs by marketplace), nor whether a tax is meant before or after its discount. The grand total decides: the first of
`READINGS` under which the parts add up to it is taken, and an order that none explains is refused, not bent.
"""

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

Json = dict[str, Any]

UNDISCLOSED = "Not disclosed by Amazon"
ENTRY_BYTES_MAX = 15_000  # of one metadata value; the API takes 16 KiB
_DIGITS = {"JPY": 0}  # every other currency that Amazon sells in has two
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class Unmappable(Exception):
    """The order cannot be written; the text says why."""


class LeftOut(Exception):
    """The order need not be written, or not yet; the text says why."""


class Charge(NamedTuple):
    """DISCOUNT, TAX or FEE, never negative. `off`: the part of a tax that falls on what a discount took off."""

    kind: str
    label: str
    minor: int
    off: int = 0


def charge(kind: str, label: str, minor: int, off: int = 0) -> list[Charge]:
    """One charge, or none when there is nothing to charge. A negative tax or fee is a discount.

    Amazon documents no sign for discounts, so one below zero is a discount all the same.
    """
    if not minor and not off:
        return []
    if minor < 0:
        return [Charge("DISCOUNT", label, -minor)]
    return [Charge(kind, label, minor, off)]


class Reading(NamedTuple):
    """How taxes are meant: on top of prices or contained in them, and before or after their discount."""

    contained: bool
    net: bool


READINGS = (Reading(contained=False, net=False), Reading(contained=False, net=True), Reading(contained=True, net=False))


@dataclass(slots=True)
class Item:
    """An item with at least one unit. `price`: all units together, before everything else."""

    id: str
    sku: str
    quantity: int
    price: int
    unit_price: int | None = None
    charges: list[Charge] = field(default_factory=list)
    shipping: int = 0
    shipping_discount: int = 0


@dataclass(slots=True, kw_only=True)
class Sale:
    """An order. `rest` is all of it that has no field of its own in `orderCreate`, under Amazon's names."""

    order_id: str
    version: str
    placed_at: str
    currency: str
    grand_total: int
    shipped: bool
    by_amazon: bool
    items: list[Item]
    address: Json
    email: str | None
    rest: Json
    charges: list[Charge] = field(default_factory=list)
    shipping: int = 0
    cash_on_delivery: int = 0
    notes: list[str] = field(default_factory=list)


# --- money ---------------------------------------------------------------------------------------------------------


def minor_units(amount: Any, currency: str) -> int:
    """`"19.90", "USD"` → 1990. Raises Unmappable when the currency has not as many digits: nothing is rounded."""
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        raise Unmappable(f"{amount!r} is not an amount") from None
    if not value.is_finite() or abs(value) > 10**12:
        raise Unmappable(f"{amount!r} is not an amount")
    scaled = value.scaleb(_DIGITS.get(currency, 2))
    if scaled != scaled.to_integral_value():
        raise Unmappable(f"{amount} {currency} has more digits than {currency} has; nothing is rounded")
    return int(scaled)


def money(minor: int, currency: str) -> Json:
    """1990, "USD" → `{"amount": "19.90", "currency": "USD"}`."""
    return {"amount": format(Decimal(minor).scaleb(-_DIGITS.get(currency, 2)), "f"), "currency": currency}


def _tax(tax: Charge, reading: Reading) -> int:
    return tax.minor if reading.net else tax.minor - tax.off


def _worth(charges: list[Charge], reading: Reading) -> int:
    worth = 0
    for part in charges:
        if part.kind == "TAX":
            worth += 0 if reading.contained else _tax(part, reading)
        else:
            worth += -part.minor if part.kind == "DISCOUNT" else part.minor
    return worth


def total(sale: Sale, reading: Reading) -> int:
    """What the parts add up to."""
    return (
        sum(item.price + item.shipping - item.shipping_discount + _worth(item.charges, reading) for item in sale.items)
        + sale.shipping
        + _worth(sale.charges, reading)
    )


def reading_of(sale: Sale) -> Reading:
    """The reading under which the parts add up to the grand total. Raises Unmappable."""
    for reading in READINGS:
        if total(sale, reading) == sale.grand_total:
            return reading
    sums = sorted({total(sale, reading) for reading in READINGS})
    said, ours = money(sale.grand_total, sale.currency), [money(one, sale.currency)["amount"] for one in sums]
    raise Unmappable(f"the total is {said['amount']} {sale.currency}, but its parts add up to {' or '.join(ours)}")


# --- the input -----------------------------------------------------------------------------------------------------


def input_of(sale: Sale, channel: str) -> Json:
    """The `OrderCreateInput` of a sale. Raises Unmappable."""
    reading = reading_of(sale)
    shipping = sale.shipping + sum(item.shipping for item in sale.items)
    discount = sum(item.shipping_discount for item in sale.items)
    if shipping < 0:
        raise Unmappable(f"shipping costs {money(shipping, sale.currency)['amount']} {sale.currency}")
    # A return gives back what its lines cost and no shipping. So a discount on shipping lowers the charge and is told
    # as contained in it; taken off the lines it would lessen their refunds.
    contained = min(shipping, discount)
    adjustments = _adjustments(sale.charges, sale.currency, reading)
    adjustments += _adjustments(charge("DISCOUNT", "Shipping discount", contained), sale.currency, reading, True)
    adjustments += _adjustments(charge("DISCOUNT", "Shipping discount", discount - contained), sale.currency, reading)
    return {
        "channel": channel,
        "externalId": sale.order_id,
        "placedAt": sale.placed_at,
        "lines": [_line(item, sale.currency, reading) for item in sale.items],
        "customer": {"email": sale.email} if sale.email else {},
        "shippingAddress": sale.address,
        "shippingCharge": money(shipping - contained, sale.currency),
        "adjustments": adjustments,
        "externalPayments": _payments(sale),
        "metadata": entries({"version": sale.version, **sale.rest}),
    }


def _line(item: Item, currency: str, reading: Reading) -> Json:
    """Amazon names the price of all units, which a unit price may not divide: the rest is an adjustment."""
    unit = -(-item.price // item.quantity) if item.unit_price is None else item.unit_price
    over = unit * item.quantity - item.price
    difference = charge("DISCOUNT" if over > 0 else "FEE", f"Price of {item.quantity} together", abs(over))
    return {
        "sku": item.sku,
        "quantity": item.quantity,
        "unitPrice": money(unit, currency),
        "externalId": item.id,
        "adjustments": _adjustments(difference + item.charges, currency, reading),
    }


def _adjustments(charges: list[Charge], currency: str, reading: Reading, included: bool = False) -> list[Json]:
    made = []
    for part in charges:
        kind, minor = part.kind, _tax(part, reading) if part.kind == "TAX" else part.minor
        if minor < 0:
            kind, minor = "DISCOUNT", -minor
        if minor:
            contained = included or (part.kind == "TAX" and reading.contained)
            made.append({"kind": kind, "label": part.label, "amount": money(minor, currency), "included": contained})
    return made


def _payments(sale: Sale) -> list[Json]:
    """Amazon takes a buyer's money when it hears of the shipment; the carrier collects cash on delivery."""
    taken = sale.grand_total - sale.cash_on_delivery
    parts = [
        ("amazon", taken, "CAPTURED" if sale.shipped else "AUTHORIZED"),
        ("cash_on_delivery", sale.cash_on_delivery, "DUE"),
    ]
    return [
        {"method": method, "amount": money(minor, sale.currency), "reference": sale.order_id, "state": state}
        for method, minor, state in parts
        if minor > 0
    ]


# --- who and where -------------------------------------------------------------------------------------------------


def address_of(found: Json, names: dict[str, str], country: str | None, notes: list[str]) -> Json:
    """Moves an address out of `found` (Amazon's names by ours in `names`; `line1`… its lines) into ours.

    A phone stays where it is unless it is E.164 but for its punctuation: a country code is not guessed. What Amazon
    withholds is filled in, and `notes` says so: the units were sold and must be held, whoever may read the address.
    """

    def move(name: str) -> str | None:
        value = found.get(names.get(name, ""))
        if not isinstance(value, str) or not value.strip():
            return None
        del found[names[name]]
        return value

    lines = [line for line in (move("line1"), move("line2"), move("line3")) if line]
    phone = found.get(names["phone"])
    dialled = re.sub(r"[\s().-]", "", phone) if isinstance(phone, str) else ""
    if _E164.fullmatch(dialled):
        del found[names["phone"]]
    company, name = move("company"), move("name")
    address: Json = {
        "name": name or company,
        "lines": lines or None,
        "city": move("city"),
        "region": move("region"),
        "postalCode": move("postalCode"),
        "country": move("country") or country,
        "company": company,
        "phone": dialled if _E164.fullmatch(dialled) else None,
    }
    if address["country"] is None:
        raise Unmappable("it names neither an address nor a known marketplace, so no country to send it to")
    withheld = [part for part in ("name", "lines", "city") if address[part] is None]
    if withheld:
        for part in withheld:
            address[part] = [UNDISCLOSED] if part == "lines" else UNDISCLOSED
        where = " ".join(str(part) for part in (address["postalCode"], address["country"]) if part)
        notes.append(
            f"Amazon withholds the address ({', '.join(withheld)}); written to {where} with {UNDISCLOSED!r} in its "
            "place, so that the units are held"
        )
    return {key: value for key, value in address.items() if value is not None}


# marketplace id → country: where an order without any address is sent from the nearest of our locations
MARKETPLACES = {
    "ATVPDKIKX0DER": "US", "A2EUQ1WTGCTBG2": "CA", "A1AM78C64UM0Y8": "MX", "A2Q3Y263D00KWC": "BR",
    "A1F83G8C2ARO7P": "GB", "A1PA6795UKMFR9": "DE", "A13V1IB3VIYZZH": "FR", "APJ6JRA9NG5V4": "IT",
    "A1RKKUPIHCS9HS": "ES", "A1805IZSGTT6HS": "NL", "AMEN7PMS3EDWL": "BE", "A28R8C7NBKEWEA": "IE",
    "A2NODRKZP88ZB9": "SE", "A1C3SOZRARQ6R3": "PL", "A33AVAJ2PDY3EV": "TR", "A2VIGQ35RCS4UG": "AE",
    "A17E79C6D8DWNP": "SA", "ARBP9OOSHTCHU": "EG", "AE08WJ6YKNBMC": "ZA", "A21TJRUUN4KGV": "IN",
    "A1VC38T7YXB528": "JP", "A19VAU5U5O7RUS": "SG", "A39IBJ37TRP1C6": "AU",
}  # fmt: skip


# --- metadata ------------------------------------------------------------------------------------------------------


def entries(rest: Json) -> list[Json]:
    """`amazon.<name>` → value. A list or object too large for one entry goes on in `amazon.<name>.2`, `.3`…"""
    made = []
    for name, value in rest.items():
        if value in (None, {}, []):
            continue
        key = f"amazon.{re.sub(r'[^A-Za-z0-9_-]', '_', name)}"
        for number, part in enumerate(_parts(value, key), 1):
            made.append({"key": key if number == 1 else f"{key}.{number}", "value": part})
    return made


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _parts(value: Any, key: str) -> list[Any]:
    if _size(value) <= ENTRY_BYTES_MAX:
        return [value]
    if not isinstance(value, dict | list):
        raise Unmappable(f"{key} is {_size(value):,} bytes long; a metadata entry has at most {ENTRY_BYTES_MAX:,}")
    pieces = [{name: item} for name, item in value.items()] if isinstance(value, dict) else [[item] for item in value]
    parts: list[Any] = []
    for piece in pieces:
        if _size(piece) > ENTRY_BYTES_MAX:
            raise Unmappable(f"one part of {key} is {_size(piece):,} bytes long, more than a metadata entry may have")
        if parts and _size(parts[-1]) + _size(piece) <= ENTRY_BYTES_MAX:
            parts[-1] = {**parts[-1], **piece} if isinstance(piece, dict) else parts[-1] + piece
        else:
            parts.append(piece)
    return parts
