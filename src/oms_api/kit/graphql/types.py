"""Types that every domain answers with: Money, UserError, Node, PageInfo, filters."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import strawberry
from strawberry import UNSET

from oms_api.kit import errors, money
from oms_api.kit.errors import BadInput, Invalid, Refusal
from oms_api.kit.graphql.scalars import BigInt, CurrencyCode, Json, Url
from oms_api.kit.paging import Page

if TYPE_CHECKING:
    from decimal import Decimal as DecimalText
else:
    from decimal import Decimal as DecimalText

field = strawberry.field
INT_MAX = 2**31 - 1
E = TypeVar("E", bound=type[StrEnum])
N = TypeVar("N", int, int | None)

# where this deployment's page of error codes is; set once at start from OMS_PUBLIC_URL
_errors_page = ["http://127.0.0.1:8000/errors"]


def configure_errors_page(url: str) -> None:
    """Tell where `UserError.docUrl` points to."""
    _errors_page[0] = url


def capped(units: N) -> N:
    """A sum as an Int, which has 32 bits: what is more is told as INT_MAX."""
    return units if units is None else min(units, INT_MAX)


def argument(description: str, **kwargs: Any) -> Any:
    """For `Annotated[T, argument("…")]`: an argument with its description."""
    return strawberry.argument(description=description, **kwargs)


def describe_enum(cls: E, description: str, **values: str) -> E:
    """Make a StrEnum of `models.py` a GraphQL enum; every value must be described."""
    missing = {member.name for member in cls} ^ values.keys()
    if missing:
        raise ValueError(f"{cls.__name__}: descriptions do not match the values: {sorted(missing)}")
    strawberry.enum(cls, description=description)
    definition: Any = cls.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]
    return cls


def add_field(cls: type, name: str, field_: Any) -> None:
    """Give a lower domain's type a field from an upper domain, before the schema is built.

    The only way by which a type learns of something above it: `add_field(Order, "returns", strawberry.field(...))`.
    """
    definition: Any = cls.__strawberry_definition__  # type: ignore[attr-defined]
    if any(existing.python_name == name for existing in definition.fields):
        raise ValueError(f"{definition.name} has a field {name} already")
    field_.python_name = name
    field_.name = name
    field_.origin = field_.origin or cls
    definition.fields.append(field_)
    setattr(cls, name, field_.base_resolver.wrapped_func if field_.base_resolver else field_)


@strawberry.interface(description="Everything with a global id.")
class Node:
    id: strawberry.ID = field(
        description="`<prefix>_<26 base32 chars of a UUIDv7>`, e.g. `ord_01m80scynhe1g926cqw3m59wd1`. "
        "Opaque: compare, store, never parse."
    )


@strawberry.type(description="Money, exact.")
class Money:
    amount: DecimalText = field(description='Major units, as many digits as the currency has: `"19.90"`.')
    currency: CurrencyCode = field(description="Currency.")
    minor_amount: BigInt = field(description='Minor units: `"1990"`.')

    @field(description="For humans, in a BCP 47 locale: `19,90 €`.")
    def formatted(self, locale: Annotated[str, argument("BCP 47 locale: `de-AT`.")] = "en") -> str:
        try:
            return money.formatted(self.minor_amount, self.currency, locale)
        except (ValueError, LookupError) as error:
            raise BadInput(
                Invalid(f"{locale[:40]!r} is not a locale we know; send one such as 'de-AT'.", path=("locale",))
            ) from error


def money_of(minor: int, currency: str) -> Money:
    return Money(
        amount=money.major(minor, currency),  # type: ignore[arg-type]  # rendered by str(): saves a Decimal a leaf
        currency=CurrencyCode(currency),
        minor_amount=BigInt(minor),
    )


@strawberry.input(
    description="Money to set. More fraction digits than the currency has is `INVALID_AMOUNT`, never rounded."
)
class MoneyInput:
    amount: DecimalText = field(description='Major units as a string: `"19.90"`.')
    currency: CurrencyCode = field(description="Currency.")

    def minor(self, path: errors.Path, currency: str | None = None) -> int:
        """In minor units, not negative. Raises InvalidAmount, also when it is not in `currency`."""
        if currency is not None and self.currency != currency:
            raise errors.InvalidAmount(f"{self.currency} was sent where the currency is {currency}.", path=path)
        minor = money.parse(self.amount, self.currency, path)
        if minor < 0:
            raise errors.InvalidAmount(f"{self.amount} is negative; amounts are positive.", path=path)
        return minor


class ErrorCode(StrEnum):
    """Filled from the refusals of all domains when the schema is built (`complete_error_codes`)."""

    NOT_FOUND = "NOT_FOUND"


strawberry.enum(
    ErrorCode,
    description="One vocabulary for the whole API. A new value appears here one minor release before it is first sent.",
)


def complete_error_codes() -> None:
    """Give the enum a value for every refusal that is defined; call before the schema is built."""
    definition: Any = ErrorCode.__strawberry_definition__  # type: ignore[attr-defined]
    definition.values = [
        strawberry.types.enum.EnumValue(code, code, description=(cls.__doc__ or "").strip().split("\n\n")[0])
        for code, cls in Refusal.codes.items()
    ]


@strawberry.type(description="Typed facts of an error. All optional; grows by adding fields.")
class UserErrorDetails:
    subject_id: strawberry.ID | None = field(default=None, description="Object it is about.")
    current_version: int | None = field(default=None, description="VERSION_CONFLICT: re-read, re-apply, retry.")
    current_state: str | None = field(default=None, description="INVALID_TRANSITION: present state.")
    allowed_actions: list[str] | None = field(default=None, description="INVALID_TRANSITION: actions allowed now.")
    sku: str | None = field(default=None, description="INSUFFICIENT_STOCK, STALE_QUANTITY: SKU.")
    requested: int | None = field(default=None, description="INSUFFICIENT_STOCK: asked for.")
    available: int | None = field(default=None, description="INSUFFICIENT_STOCK: promisable now.")
    next_available_at: datetime | None = field(
        default=None, description="INSUFFICIENT_STOCK: when the rest becomes promisable."
    )
    remaining_amount: Money | None = field(default=None, description="EXCEEDS_REMAINING: money left.")
    remaining_quantity: int | None = field(default=None, description="EXCEEDS_REMAINING: units left.")
    provider_code: str | None = field(
        default=None, description="PAYMENT_DECLINED, UPSTREAM_UNAVAILABLE: the provider's own code."
    )
    retry_after_seconds: int | None = field(default=None, description="Seconds to wait, when retryable.")


@strawberry.type(
    description="What went wrong with the caller's input or the state of the world. Never thrown: mutations return it. "
    "One concrete type on purpose: new kinds of error never break a generated client."
)
class UserError:
    code: ErrorCode = field(description="Stable, machine-readable.")
    message: str = field(
        description="One English sentence with the offending value and what to do. Not for matching on."
    )
    path: list[str] = field(
        description='Path into the mutation\'s arguments: `["input","lines","0","quantity"]`; empty when about the '
        "whole."
    )
    retryable: bool = field(description="True when the same request may succeed later unchanged.")
    doc_url: Url = field(description="Page that explains the code.")
    details: UserErrorDetails | None = field(
        default=None, description="Facts to act on; which fields are set depends on `code`."
    )


def _told(value: Any) -> Any:
    """A detail of a refusal as the API tells it."""
    if isinstance(value, money.Money):
        return money_of(value.minor, value.currency)
    return capped(value) if isinstance(value, int) else value


def user_errors(refusal: Refusal) -> list[UserError]:
    """The one conversion of refusals to `userErrors`."""
    found = []
    for part in refusal.parts():
        details = {name: _told(value) for name, value in (part.details or {}).items()}
        found.append(
            UserError(
                code=part.code,  # type: ignore[arg-type]
                message=part.message,
                path=part.path,
                retryable=part.retryable,
                doc_url=Url(f"{_errors_page[0]}#{part.code}"),
                details=UserErrorDetails(**details) if details else None,
            )
        )
    return found


class CountPrecision(StrEnum):
    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


class SortDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


describe_enum(CountPrecision, "Precision of a count.", EXACT="Exact.", AT_LEAST="At least this many.")
describe_enum(SortDirection, "Direction.", ASC="Smallest first.", DESC="Largest first.")


@strawberry.type(description="Relay page info.")
class PageInfo:
    has_next_page: bool = field(description="More after `endCursor`.")
    has_previous_page: bool = field(description="More before `startCursor`.")
    start_cursor: str | None = field(description="Cursor of the first item.")
    end_cursor: str | None = field(description="Cursor of the last item.")

    @classmethod
    def of(cls, page: Page[Any]) -> "PageInfo":
        return cls(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        )


@strawberry.type(description="A count that does not lie about being capped.")
class Count:
    value: int = field(description="The number.")
    precision: CountPrecision = field(description="Whether it stopped counting at 10,000.")


@strawberry.input(description="Test string values; the named tests are and-ed.")
class StringFilter:
    eq: str | None = field(default=UNSET, description="Equals.")
    in_: list[str] | None = field(default=UNSET, name="in", description="One of.")
    not_in: list[str] | None = field(default=UNSET, description="None of.")
    starts_with: str | None = field(default=UNSET, description="Prefix, case-insensitive.")
    contains: str | None = field(default=UNSET, description="Substring, case-insensitive.")
    is_null: bool | None = field(default=UNSET, description="Is (not) set.")


@strawberry.input(description="Test instants.")
class DateTimeFilter:
    gte: datetime | None = field(default=UNSET, description="From, inclusive.")
    gt: datetime | None = field(default=UNSET, description="After.")
    lte: datetime | None = field(default=UNSET, description="To, inclusive.")
    lt: datetime | None = field(default=UNSET, description="Before.")
    is_null: bool | None = field(default=UNSET, description="Is (not) set.")


@strawberry.type(description="One metadata entry.")
class MetadataEntry:
    key: str = field(description="`namespace.key`, 3-100 characters.")
    value: Json = field(description="JSON value, up to 16 KiB.")


@strawberry.input(description="One metadata entry to set; a null value deletes the key.")
class MetadataEntryInput:
    key: str = field(description="`namespace.key`.")
    value: Json | None = field(default=UNSET, description="JSON value or null.")


@strawberry.interface(description="Free-form data of integrators; up to 100 keys, filterable.")
class HasMetadata(Node):
    entries: strawberry.Private[dict[str, Any]]

    @field(description="Entries, all or the named keys. Keys are `namespace.key`.")
    def metadata(self, keys: Annotated[list[str] | None, argument("Only these keys.")] = UNSET) -> list[MetadataEntry]:
        return [
            MetadataEntry(key=key, value=Json(value))
            for key, value in sorted(self.entries.items())
            if not isinstance(keys, list) or key in keys
        ]


def given(item: Any) -> dict[str, Any]:
    """The fields of a `Maybe` input that were sent, by Python name; null is None. Metadata becomes key → value."""
    found: dict[str, Any] = {}
    for name, value in vars(item).items():
        if value is None or value is UNSET:
            continue
        sent = value.value if isinstance(value, strawberry.Some) else value
        if name == "metadata":
            sent = {entry.key: None if entry.value is UNSET else entry.value for entry in sent or ()}
        found[name] = sent
    return found
