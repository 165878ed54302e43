"""Root fields: who may ask (`query`), and the one path of every write (`mutation`).

authenticate → scope → idempotency key seen? answer with the first result → open the transaction → the domain's verb →
facts to the log, outcome stored, all in that transaction → commit → ring the relay → nested fields load in sessions of
their own. `dryRun` is the same path and a rollback. A refusal becomes a `userErrors` entry here and nowhere else.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_type_hints
from uuid import UUID

import strawberry
from strawberry import UNSET
from strawberry.extensions import FieldExtension
from strawberry.schema_directive import Location as On
from strawberry.types.fields.resolver import StrawberryResolver

from oms_api.kit import idempotency, secrets
from oms_api.kit.db import Database, Tx
from oms_api.kit.errors import NotAllowed, Refusal, UpstreamUnavailable
from oms_api.kit.graphql.context import Context, Info
from oms_api.kit.graphql.types import ErrorCode, UserError, argument, field, user_errors


@strawberry.schema_directive(
    name="scope",
    locations=[On.FIELD_DEFINITION],
    description="Scopes the caller's key or token must hold. Printed in the docs, checked by one field extension.",
)
class Scope:
    all: list[str]


@strawberry.schema_directive(
    name="errors",
    locations=[On.FIELD_DEFINITION],
    description="Error codes a mutation may put in `userErrors`; the docs and the SDKs read it.",
)
class Errors:
    codes: list[ErrorCode]


@strawberry.schema_directive(
    name="emits", locations=[On.FIELD_DEFINITION], description="Event topics a mutation may emit."
)
class Emits:
    topics: list[str]


@strawberry.schema_directive(
    name="cost",
    locations=[On.FIELD_DEFINITION],
    description="Static weight of a field; `sizedBy` names the arguments that multiply the children.",
)
class Cost:
    weight: int = 1
    sized_by: list[str] | None = UNSET


class Scoped(FieldExtension):
    """Default deny: a root field without the caller's scope is not run."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = scopes

    async def resolve_async(self, next_: Any, source: Any, info: Info, **kwargs: Any) -> Any:
        caller = info.context.known_caller()
        for scope in self.scopes:
            if not caller.may(scope):
                raise NotAllowed(
                    "FORBIDDEN", f"{info.field_name} needs the scope {scope}, which this key does not hold."
                )
        return await next_(source, info, **kwargs)


def query(
    *,
    description: str,
    scope: Sequence[str] = (),
    weight: int = 1,
    sized_by: Sequence[str] = (),
    name: str | None = None,
) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """A root query field: described, scoped, weighed."""

    def wrap(resolver: Callable[..., Awaitable[Any]]) -> Any:
        return field(
            resolver,
            name=name,
            description=description,
            extensions=[Scoped(*scope)],
            directives=_directives(scope, (), (), weight, sized_by),
        )

    return wrap


def _directives(
    scope: Sequence[str], errors: Sequence[str], emits: Sequence[str], weight: int, sized_by: Sequence[str]
) -> list[object]:
    found: list[object] = []
    if scope:
        found.append(Scope(all=list(scope)))
    if errors:
        found.append(Errors(codes=[_Code(code) for code in errors]))  # type: ignore[misc]
    if emits:
        found.append(Emits(topics=list(emits)))
    if weight != 1 or sized_by:
        found.append(Cost(weight=weight, sized_by=list(sized_by) or UNSET))
    return found


class _Code(str):
    """An enum value of ErrorCode, which is complete only when all domains are imported."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self)


@dataclass(kw_only=True)
class Outcome:
    """What a verb did: the ids to render the answer from, and what a replay cannot read again.

    `secret` is shown once and stored encrypted; `refusals` with effect (a declined payment) are part of the answer;
    `preview` only answers a dry run; `extra` is small plain data of the payload. `rows` of the verb prime the loaders,
    so that the answer does not read them again. `intent` is what a provider must now be asked for.
    """

    ids: Sequence[UUID] = ()
    secret: str | None = None
    refusals: Sequence[Refusal] = ()
    preview: Any = None
    extra: dict[str, Any] | None = None
    rows: Sequence[tuple[Callable[..., Any], UUID, Any]] = ()
    intent: UUID | None = None
    replayed: bool = False

    def stored(self) -> dict[str, Any]:
        return {
            "ids": [id_.hex for id_ in self.ids],
            "secret": None if self.secret is None else secrets.encrypt("idempotency", self.secret),
            "refusals": [
                {"code": part.code, "message": part.message, "path": part.path, "details": _plain(part.details)}
                for refusal in self.refusals
                for part in refusal.parts()
            ],
            "extra": self.extra,
        }

    @staticmethod
    def restored(stored: dict[str, Any]) -> "Outcome":
        return Outcome(
            ids=[UUID(text) for text in stored["ids"]],
            secret=None if stored["secret"] is None else secrets.decrypt("idempotency", stored["secret"]),
            refusals=[
                Refusal.codes[part["code"]](part["message"], path=part["path"], details=part["details"])
                for part in stored["refusals"]
            ],
            extra=stored["extra"],
            replayed=True,
        )


def _plain(details: Any) -> Any:
    return None if details is None else {key: value for key, value in details.items() if isinstance(value, str | int)}


@strawberry.type
class Payload:
    """Base of every mutation's answer; every field but `user_errors` has a default."""

    user_errors: list[UserError] = field(default_factory=list, description="Empty on success.")

    registry: ClassVar[dict[str, type["Payload"]]] = {}

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> "Payload":
        """The answer of a success (or of a stored one), rendered from the outcome's ids."""
        raise NotImplementedError


@dataclass(frozen=True)
class Effect:
    """A provider's part of a write: `call` runs outside of any transaction with the intent's id as its idempotency
    key, `record` writes down what it answered, in a second transaction."""

    call: Callable[[Database, Any, UUID], Awaitable[Any]]
    record: Callable[[Tx, UUID, Any], Awaitable[Outcome]]


def mutation(
    payload: type[Payload],
    *,
    description: str,
    scope: Sequence[str],
    errors: Sequence[str] = (),
    emits: Sequence[str] = (),
    effect: Effect | None = None,
    weight: int = 1,
) -> Callable[[Callable[[Tx, Any], Awaitable[Outcome]]], Any]:
    """A root mutation field. The function takes `(tx, input)`, may run more than once, and returns an Outcome."""

    def wrap(verb: Callable[[Tx, Any], Awaitable[Outcome]]) -> Any:
        input_type = get_type_hints(verb)["input"]
        operation = verb.__name__

        async def resolver(self: Any, info: Any, input: Any) -> Any:
            return await write(info, payload, operation, verb, input, effect)

        resolver.__name__ = operation
        resolver.__annotations__ = {
            "info": Info,
            "input": Annotated[input_type, argument("What to do.")],
            "return": payload,
        }
        return field(
            StrawberryResolver(resolver),
            name=None,
            description=description,
            extensions=[Scoped(*scope)],
            directives=_directives(scope, errors, emits, weight, ()),
        )

    return wrap


async def write(
    info: Info,
    payload: type[Payload],
    operation: str,
    verb: Callable[[Tx, Any], Awaitable[Outcome]],
    input: Any,
    effect: Effect | None,
) -> Payload:
    """The one write path; see the head of this file."""
    context: Context = info.context
    caller = context.known_caller()
    dry_run = bool(getattr(input, "dry_run", False))
    key = getattr(input, "idempotency_key", None)
    key = key if isinstance(key, str) and not dry_run else None
    input_hash = idempotency.hash_of(operation, input) if key is not None else ""

    async def work(tx: Tx) -> Outcome:
        if key is not None:
            first = await idempotency.claim(tx, key, operation, input_hash)
            if first is not None:
                if first.outcome is not None:
                    return Outcome.restored(first.outcome)
                return Outcome(intent=first.intent_id, replayed=True)
        outcome = await verb(tx, input)
        if dry_run:
            tx.discard()
        elif key is not None:
            if outcome.intent is None:
                await idempotency.settle(tx, key, outcome.stored())
            else:
                await idempotency.settle(tx, key, None, outcome.intent)
        return outcome

    try:
        outcome = await context.db.run(work, caller)
        if outcome.intent is not None and effect is not None and not dry_run:
            outcome = await _resume(context, effect, outcome, key)
    except Refusal as refusal:
        return payload(user_errors=user_errors(refusal))
    if outcome.replayed:
        context.extensions["idempotency"] = {"replayed": True}
    for loader, id_, row in outcome.rows:
        context.prime(loader, id_, row)
    answer = await payload.answer(info, outcome)
    answer.user_errors = [error for refusal in outcome.refusals for error in user_errors(refusal)]
    return answer


async def _resume(context: Context, effect: Effect, begun: Outcome, key: str | None) -> Outcome:
    """Ask the provider, then write down its answer together with the idempotency key's."""
    intent_id = begun.intent
    assert intent_id is not None
    caller = context.known_caller()
    answer = await effect.call(context.db, caller, intent_id)

    async def record(tx: Tx) -> Outcome:
        outcome = await effect.record(tx, intent_id, answer)
        unanswered = any(isinstance(refusal, UpstreamUnavailable) for refusal in outcome.refusals)
        if key is not None:
            # while the provider has not answered, the key stays with its intent: the same request resumes it
            await idempotency.settle(tx, key, None if unanswered else outcome.stored(), intent_id)
        return outcome

    outcome = await context.db.run(record, caller)
    outcome.replayed = begun.replayed
    return outcome
