"""Everything that can be wrong with an order as it is sent, told at once; and what the checks make of it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from email_validator import EmailNotValidError, validate_email

from oms_api.catalog import Item, SkuKind
from oms_api.kit import clock
from oms_api.kit.caller import Caller
from oms_api.kit.errors import Invalid, InvalidAmount, NotFound, Path, Refusal, Required
from oms_api.kit.events import rfc3339
from oms_api.kit.money import LARGEST_MINOR, Money
from oms_api.kit.texts import is_text
from oms_api.network import Location, Network
from oms_api.orders.errors import PriceMismatch
from oms_api.orders.models import AdjustmentKind
from oms_api.orders.rules.amounts import Sums, sums
from oms_api.orders.service.new import INPUT, Amount, NewAdjustment, NewGroup, NewLine, NewOrder
from oms_api.promising import DeliveryMethod, today_of, untimely

LINES_MAX = 500
QUANTITY_MAX = 1_000_000
GROUPS_MAX = 20
ADJUSTMENTS_MAX = 50  # of a line, and of the order as a whole
PAYMENTS_MAX = 20
TEXT_LENGTH_MAX = 255
DEFAULT_GROUP = "default"
CLOCKS_DIFFER = timedelta(minutes=5)
PLACED_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
UNSTOCKED = {SkuKind.DIGITAL: DeliveryMethod.DIGITAL, SkuKind.SERVICE: DeliveryMethod.SERVICE}
_PHONE = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)  # E.164


@dataclass(slots=True)
class Priced:
    """An adjustment in minor units."""

    kind: AdjustmentKind
    label: str
    amount_minor: int
    included: bool


@dataclass(slots=True)
class Checked:
    """What the checks made of the input: amounts in minor units, groups by line. Lines in the caller's order."""

    prices: list[int] = field(default_factory=list)
    line_adjustments: list[list[Priced]] = field(default_factory=list)
    line_sums: list[Sums] = field(default_factory=list)
    adjustments: list[Priced] = field(default_factory=list)
    shipping_minor: int = 0
    payments: list[int] = field(default_factory=list)
    groups: list[NewGroup] = field(default_factory=list)
    pickups: list[Location | None] = field(default_factory=list)
    group_of: list[int] = field(default_factory=list)


def check_head(new: NewOrder) -> list[Refusal]:
    """What is wrong before anything is read."""
    found: list[Refusal] = []
    if not (new.has_key or new.external_id is not None or new.dry_run):
        found.append(
            Required(
                "Send idempotencyKey or externalId, so that a repeat cannot order twice.",
                path=(*INPUT, "idempotencyKey"),
            )
        )
    if new.external_id is not None:
        _text(new.external_id, (*INPUT, "externalId"), found)
    return found


def check(new: NewOrder, network: Network, items: Mapping[str, Item], caller: Caller) -> tuple[Checked, list[Refusal]]:
    """Everything else that is wrong, at once."""
    found: list[Refusal] = [*new.problems]
    checked = Checked()
    _check_lines(new, found)
    _check_customer(new, found)
    _check_dates(new, network, found)
    if new.promise_token is not None and new.reservation_id is not None:
        found.append(
            Invalid(
                "Send promiseToken or reservationId, not both: each holds the units.", path=(*INPUT, "reservationId")
            )
        )
    now = clock.now()
    if new.placed_at is not None and not PLACED_SINCE <= new.placed_at <= now + CLOCKS_DIFFER:
        found.append(
            Invalid(
                f"placedAt {rfc3339(new.placed_at)}: send an instant from {rfc3339(PLACED_SINCE)} to now, which is "
                f"{rfc3339(now)}, or none.",
                path=(*INPUT, "placedAt"),
            )
        )
    for i, line in enumerate(new.lines):
        if line.sku not in items:
            found.append(
                NotFound(
                    f"There is no SKU {line.sku[:60]!r}; create it with skuPut first.", path=(*INPUT, "lines", i, "sku")
                )
            )
    _check_groups(new, network, items, checked, found)
    _check_amounts(new, network.channel.currency, items, caller, checked, found)
    return checked, found


def _check_dates(new: NewOrder, network: Network, found: list[Refusal]) -> None:
    today = today_of(network, clock.now())
    found += untimely(new.requested_on, today, (*INPUT, "requestedOn"))
    for i, line in enumerate(new.lines):
        found += untimely(line.requested_on, today, (*INPUT, "lines", i, "requestedOn"))


def _text(text: str, path: Path, found: list[Refusal]) -> None:
    if not is_text(text, TEXT_LENGTH_MAX):
        found.append(
            Invalid(f"{text[:40]!r}: send 1 to {TEXT_LENGTH_MAX} printable characters, not only blanks.", path=path)
        )


def _check_lines(new: NewOrder, found: list[Refusal]) -> None:
    path = (*INPUT, "lines")
    if not 1 <= len(new.lines) <= LINES_MAX:
        found.append(Invalid(f"An order has 1 to {LINES_MAX} lines, not {len(new.lines)}.", path=path))
    ids = Counter(line.external_id for line in new.lines if line.external_id is not None)
    for i, line in enumerate(new.lines):
        if not 1 <= line.quantity <= QUANTITY_MAX:
            found.append(
                Invalid(
                    f"{line.quantity} of {line.sku[:60]} must be 1 to {QUANTITY_MAX:,}.", path=(*path, i, "quantity")
                )
            )
        if line.external_id is not None:
            _text(line.external_id, (*path, i, "externalId"), found)
            if ids[line.external_id] > 1:
                found.append(
                    Invalid(
                        f"{line.external_id[:60]!r} names two lines; it must be unique in the order.",
                        path=(*path, i, "externalId"),
                    )
                )


def _check_customer(new: NewOrder, found: list[Refusal]) -> None:
    path = (*INPUT, "customer")
    if new.email is not None:
        try:
            validate_email(new.email, check_deliverability=False, test_environment=True)
        except EmailNotValidError as error:
            found.append(Invalid(f"{new.email[:80]!r} is not an e-mail address: {error}", path=(*path, "email")))
    if new.phone is not None and not _PHONE.fullmatch(new.phone):
        found.append(
            Invalid(f"{new.phone[:40]!r} is not an E.164 phone number such as +4930123456.", path=(*path, "phone"))
        )
    if new.customer_external_id is not None:
        _text(new.customer_external_id, (*path, "externalId"), found)
    if new.customer_group is not None:
        _text(new.customer_group, (*path, "group"), found)


# --- where and how -------------------------------------------------------------------------------------------------


def _check_groups(
    new: NewOrder, network: Network, items: Mapping[str, Item], checked: Checked, found: list[Refusal]
) -> None:
    groups = list(new.groups)
    if len(groups) > GROUPS_MAX:
        found.append(
            Invalid(
                f"{len(groups)} delivery groups; at most {GROUPS_MAX} are allowed.", path=(*INPUT, "deliveryGroups")
            )
        )
        groups = groups[:GROUPS_MAX]
    stocked = any(items[line.sku].kind not in UNSTOCKED for line in new.lines if line.sku in items)
    if not groups:
        if stocked:
            found.append(
                Required(
                    "Say where the goods go: shippingAddress, pickupLocation or deliveryGroups.",
                    path=(*INPUT, "shippingAddress"),
                )
            )
        kinds = {items[line.sku].kind for line in new.lines if line.sku in items}
        method = UNSTOCKED[SkuKind.SERVICE] if kinds == {SkuKind.SERVICE} else DeliveryMethod.DIGITAL
        groups = [NewGroup(DEFAULT_GROUP, method, None, None, INPUT)]
    known: dict[str, int] = {}
    for i, group in enumerate(groups):
        if new.named_groups:
            _text(group.key, (*group.path, "key"), found)
        if group.key in known:
            found.append(Invalid(f"{group.key[:60]!r} names two delivery groups.", path=(*group.path, "key")))
        known[group.key] = i
        checked.pickups.append(_check_place(group, network, found))
    checked.groups = groups
    _check_membership(new, items, groups, known, checked, found)


def _check_place(group: NewGroup, network: Network, found: list[Refusal]) -> Location | None:
    """The group's place must fit its method; gives the location where it is collected."""
    address, collected = (*group.path, "shippingAddress"), (*group.path, "pickupLocation")
    if group.address is not None and group.method is not DeliveryMethod.SHIPPING:
        found.append(Invalid(f"{group.key[:60]} is {group.method}: it has no shippingAddress.", path=address))
    if group.pickup is not None and group.method is not DeliveryMethod.PICKUP:
        found.append(Invalid(f"{group.key[:60]} is {group.method}: it has no pickupLocation.", path=collected))
    if group.method is DeliveryMethod.SHIPPING and group.address is None:
        found.append(Required(f"{group.key[:60]} is sent: say where to.", path=address))
    if group.method is not DeliveryMethod.PICKUP:
        return None
    if group.pickup is None:
        found.append(Required(f"{group.key[:60]} is collected: say where.", path=collected))
        return None
    location = next((row for row in network.locations if row.handle == group.pickup and row.active), None)
    if location is None:
        found.append(
            NotFound(f"Channel {network.channel.handle} has no location {group.pickup[:60]!r}.", path=collected)
        )
    elif not location.pickup:
        found.append(Invalid(f"Nothing can be collected at {location.handle}; choose another.", path=collected))
    return location


def _check_membership(
    new: NewOrder,
    items: Mapping[str, Item],
    groups: Sequence[NewGroup],
    known: Mapping[str, int],
    checked: Checked,
    found: list[Refusal],
) -> None:
    used = set()
    for i, line in enumerate(new.lines):
        path = (*INPUT, "lines", i, "deliveryGroup")
        at = 0
        if line.group is not None:
            if line.group not in known:
                found.append(Invalid(f"{line.group[:60]!r} is not a delivery group of this order.", path=path))
            at = known.get(line.group, 0)
        elif len(groups) > 1:
            found.append(Required("Say which delivery group the line belongs to; there is more than one.", path=path))
        item = items.get(line.sku)
        if new.groups and item and item.kind not in UNSTOCKED and groups[at].method in UNSTOCKED.values():
            found.append(
                Invalid(
                    f"{line.sku} is goods; it cannot go by {groups[at].method}.",
                    path=path if line.group else (*INPUT, "lines", i, "sku"),
                )
            )
        checked.group_of.append(at)
        used.add(at)
    if new.named_groups and new.lines:
        found.extend(
            Invalid(f"No line belongs to the delivery group {group.key[:60]!r}; leave it out.", path=group.path)
            for at, group in enumerate(groups)
            if at not in used and known.get(group.key) == at
        )


# --- what it costs -------------------------------------------------------------------------------------------------


def _check_amounts(
    new: NewOrder,
    currency: str,
    items: Mapping[str, Item],
    caller: Caller,
    checked: Checked,
    found: list[Refusal],
) -> None:
    free = caller.may("prices:write")
    for i, line in enumerate(new.lines):
        path = (*INPUT, "lines", i)
        item = items.get(line.sku)
        price = _price(line, item, currency, free, path, found) if item else 0
        own = _adjustments(line.adjustments, currency, free, (*path, "adjustments"), found)
        added = sums(own)
        if price * line.quantity > LARGEST_MINOR:
            found.append(InvalidAmount(f"{line.quantity} of {line.sku} cost more than we can add up.", path=path))
        elif line.quantity > 0 and price * line.quantity + added.extra < 0:
            found.append(
                InvalidAmount(
                    f"The discounts of {line.sku} are larger than the line; lower them.", path=(*path, "adjustments")
                )
            )
        checked.prices.append(price)
        checked.line_adjustments.append(own)
        checked.line_sums.append(added)
    checked.adjustments = _adjustments(new.adjustments, currency, free, (*INPUT, "adjustments"), found)
    if new.shipping_charge is not None:
        checked.shipping_minor = _minor(new.shipping_charge, (*INPUT, "shippingCharge"), currency, found)
    if len(new.payments) > PAYMENTS_MAX:
        found.append(
            Invalid(
                f"{len(new.payments)} external payments; at most {PAYMENTS_MAX} are allowed.",
                path=(*INPUT, "externalPayments"),
            )
        )
    for i, payment in enumerate(new.payments[:PAYMENTS_MAX]):
        path = (*INPUT, "externalPayments", i)
        _text(payment.method, (*path, "method"), found)
        if payment.reference is not None:
            _text(payment.reference, (*path, "reference"), found)
        minor = _minor(payment.amount, (*path, "amount"), currency, found)
        checked.payments.append(minor)


def _minor(amount: Amount, path: Path, currency: str, found: list[Refusal]) -> int:
    try:
        return amount.minor(path, currency)
    except InvalidAmount as refusal:
        found.append(refusal)
        return 0


def _price(line: NewLine, item: Item, currency: str, free: bool, path: Path, found: list[Refusal]) -> int:
    """The list's price, or the caller's when it may set one."""
    listed = item.price_minor if item.price_currency == currency else None
    at = (*path, "unitPrice")
    if line.unit_price is None:
        if listed is None:
            found.append(
                Required(
                    f"{item.code} has no list price in {currency}; send its unitPrice (scope prices:write).", path=at
                )
            )
        return listed or 0
    sent = _minor(line.unit_price, at, currency, found)
    if not free and sent != listed:
        ours = str(Money(listed, currency)) if listed is not None else f"no price in {currency}"
        found.append(
            PriceMismatch(
                f"{item.code}: {Money(sent, currency)} was sent, the list says {ours}; "
                "leave unitPrice out or use a key with prices:write.",
                path=at,
                details={"sku": item.code},
            )
        )
    return sent


def _adjustments(
    sent: Sequence[NewAdjustment], currency: str, free: bool, path: Path, found: list[Refusal]
) -> list[Priced]:
    """In minor units. A discount is a price other than the list's, so it needs the same scope."""
    if len(sent) > ADJUSTMENTS_MAX:
        found.append(Invalid(f"{len(sent)} adjustments; at most {ADJUSTMENTS_MAX} are allowed.", path=path))
        return []
    priced = []
    for i, adjustment in enumerate(sent):
        _text(adjustment.label, (*path, i, "label"), found)
        minor = _minor(adjustment.amount, (*path, i, "amount"), currency, found)
        if adjustment.kind is AdjustmentKind.DISCOUNT and minor and not adjustment.included and not free:
            found.append(
                PriceMismatch(
                    f"A discount of {Money(minor, currency)} is not on the list; use a key with prices:write.",
                    path=(*path, i, "amount"),
                )
            )
        priced.append(Priced(adjustment.kind, adjustment.label, minor, adjustment.included))
    return priced
