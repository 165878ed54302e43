"""Facts of payments: ids, codes and minor units only. The subject is the payment, the owner what it pays."""

from dataclasses import dataclass

from oms_api.kit.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOperationRequested(Fact):
    """The provider is to be asked for something; who asks is the one who is there."""

    payment_id: str
    operation_id: str
    kind: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorized(Fact):
    """The amount is reserved."""

    payment_id: str
    provider: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequiresAction(Fact):
    """The customer must act before the amount is reserved."""

    payment_id: str
    provider: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(Fact):
    """The amount was not reserved: declined, or given up unanswered (`unknown`)."""

    payment_id: str
    provider: str
    amount_minor: int
    currency: str
    provider_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured(Fact):
    """This much more was taken; `captured_minor` is the sum."""

    payment_id: str
    amount_minor: int
    captured_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVoided(Fact):
    """This much of what was reserved, or was to be, was let go."""

    payment_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(Fact):
    """This much more was given back; `refunded_minor` is the sum. `cause` is on whose behalf (a return's id)."""

    payment_id: str
    operation_id: str
    cause: str | None
    amount_minor: int
    refunded_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOperationFailed(Fact):
    """The provider refused a capture, void or refund; the amount is as it was before."""

    payment_id: str
    operation_id: str
    kind: str
    cause: str | None
    amount_minor: int
    currency: str
    provider_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOverdue(Fact):
    """This much that somebody else was to collect is not there in time. Told once; somebody must ask for it."""

    payment_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCallbackReceived(Fact):
    """A provider told something about a payment; its subject is the message. `kind` is the provider's word for it."""

    message_id: str
    provider: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOperationUnresolved(Fact):
    """The provider did not answer in all attempts; `oms doctor` names it, a person must look it up there."""

    payment_id: str
    operation_id: str
    kind: str
    amount_minor: int
    currency: str
