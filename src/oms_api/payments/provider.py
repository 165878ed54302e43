"""What a payment provider is: one function behind one Protocol, asked outside of any transaction."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from oms_api.kit.caller import Caller
from oms_api.kit.db import Database
from oms_api.payments.models import OperationKind


class Result(StrEnum):
    """OK and DECLINED are final; UNANSWERED: nobody knows whether it was done; SETTLED: we had the answer already."""

    OK = "OK"
    DECLINED = "DECLINED"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    UNANSWERED = "UNANSWERED"
    SETTLED = "SETTLED"


class Ask(NamedTuple):
    """What is asked. The same `key` with the same content is the same request, however often it is sent.

    `method` is the caller's reference to a method or intent of the provider (AUTHORIZE), `charge` the provider's own
    reference to the authorization (the other kinds). `config` is the tenant's account, decrypted.
    """

    key: UUID
    kind: OperationKind
    amount_minor: int
    currency: str
    method: str | None
    charge: str | None
    config: Mapping[str, Any]


class Answer(NamedTuple):
    """What came back. `code` is the provider's own, never words; `client_secret` is plain here. `released`: with this
    capture the provider let go the rest of the authorization."""

    result: Result
    reference: str | None = None
    code: str | None = None
    client_secret: str | None = None
    next_action_url: str | None = None
    released: bool = False


class Provider(Protocol):
    """Ask a provider. A time-out or a broken connection is UNANSWERED, never an exception."""

    async def __call__(self, db: Database, caller: Caller, ask: Ask) -> Answer: ...
