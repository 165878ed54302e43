"""Refusals: what goes wrong with a caller's input or the state of the world.

A verb raises a `Refusal`; the edge turns it into a `userErrors` entry, in one place (`kit.graphql`). The class name is
the wire code (`InsufficientStock` → `INSUFFICIENT_STOCK`) and its docstring the code's description in the schema.

    Refusal                         an entry of userErrors
    ├── NotFound, Invalid, Required, Taken, InvalidAmount …
    └── Refusals                    several at once
    NotAllowed                      top-level UNAUTHENTICATED or FORBIDDEN
    BadInput                        top-level BAD_INPUT, where there is no userErrors
    Overloaded                      503 with Retry-After
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypedDict

Path = Sequence[str | int]


class Details(TypedDict, total=False):
    """Facts to act on; the keys are the fields of `UserErrorDetails`."""

    subject_id: str
    current_version: int
    current_state: str
    allowed_actions: list[str]
    sku: str
    requested: int
    available: int
    next_available_at: datetime
    remaining_amount: Any
    remaining_quantity: int
    provider_code: str
    retry_after_seconds: int


def wire_code(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def camel(name: str) -> str:
    """`weight_grams` → `weightGrams`: paths are written in the schema's names."""
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)


class Refusal(Exception):
    """Base of everything that becomes a `userErrors` entry."""

    codes: ClassVar[dict[str, type["Refusal"]]] = {}
    code: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init_subclass__(cls, abstract: bool = False) -> None:
        if not abstract:
            cls.code = wire_code(cls.__name__)
            Refusal.codes[cls.code] = cls

    def __init__(self, message: str, *, path: Path = (), details: Details | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = [camel(str(step)) for step in path]
        self.details = details

    def parts(self) -> list["Refusal"]:
        return [self]


class Refusals(Refusal, abstract=True):
    """Several refusals at once: a caller hears of all problems of its input in one answer."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = [part for refusal in refusals for part in refusal.parts()]
        super().__init__("; ".join(refusal.message for refusal in self.refusals))

    def parts(self) -> list[Refusal]:
        return self.refusals


def refuse(refusals: Sequence[Refusal]) -> None:
    """Raise what was found, if anything was."""
    if refusals:
        raise refusals[0] if len(refusals) == 1 else Refusals(refusals)


class NotFound(Refusal):
    """A referenced object does not exist or is not visible to the caller.

    Check the value at `path`. An id of another tenant, a typo and a deleted object look the same. Create it first,
    or send another id.
    """


class Invalid(Refusal):
    """A value is malformed or breaks a rule; see message.

    Correct the value at `path` as the message says and send it again; a refused request has done nothing.
    """


class Required(Refusal):
    """A needed value is missing.

    Send the value that `path` names.
    """


class Taken(Refusal):
    """A unique value is taken.

    Choose another value, or change the object that has this one.
    """


class InvalidAmount(Refusal):
    """An amount's digits, sign or currency is wrong.

    Send a decimal string with at most the currency's digits, in the currency that the message names: nothing is
    rounded.
    """


class InvalidTransition(Refusal):
    """Not allowed in the present state.

    Read the object. `details.currentState` says where it stands, `details.allowedActions` what can be done with it now.
    """


class VersionConflict(Refusal):
    """`expectedVersion` is stale.

    Read the object again, apply your change to what it is now, and send `details.currentVersion`.
    """


class Expired(Refusal):
    """The promise, reservation or cursor has expired.

    Ask for a new promise or make a new reservation. With a cursor, begin again without one.
    """


class ExceedsRemaining(Refusal):
    """More than was authorized, captured or shipped.

    Ask for at most `details.remainingAmount` or `details.remainingQuantity`.
    """


class LimitExceeded(Refusal):
    """More than the tenant, role, credit or coupon allows; see message.

    Send less at once, or free a place; the message names the limit.
    """


class InUse(Refusal):
    """Still referred to, cannot be removed or changed.

    Remove what refers to it first, or keep it and stop using it.
    """


class Unsupported(Refusal):
    """The provider, carrier or configuration cannot do this.

    Choose one of the values that the message names, or have the provider configured.
    """


class UpstreamUnavailable(Refusal):
    """A provider did not answer; safe to retry with the same key.

    Send the same request with the same key after `details.retryAfterSeconds`. It resumes and never does it twice; we
    go on asking meanwhile.
    """

    retryable = True


class IdempotencyKeyReused(Refusal):
    """The key was used before with other input.

    Use a fresh key for a new request. To repeat a request, send exactly the same input.
    """


class IdempotencyInProgress(Refusal):
    """The first request with this key is still running.

    Send the same request with the same key again in a moment; it answers with the first one's result.
    """

    retryable = True


class NotAllowed(Exception):
    """The caller is unknown (UNAUTHENTICATED) or lacks a scope (FORBIDDEN): a top-level error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BadInput(Exception):
    """A page size, cursor or filter that cannot be used, where the answer has no `userErrors`: top-level BAD_INPUT."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Overloaded(Exception):
    """The database is away or every connection stayed busy: 503, try again in `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def check_version(current: int, expected: int | None, subject_id: str) -> None:
    """Refuse with VERSION_CONFLICT unless the object still has the version that the caller saw."""
    if expected is not None and expected != current:
        raise VersionConflict(
            f"{subject_id} has version {current}, not {expected}: read it again, re-apply your change, retry.",
            path=("input", "expectedVersion"),
            details={"subject_id": subject_id, "current_version": current},
        )
