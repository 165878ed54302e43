"""Waves in the API: many orders planned again together, dry run first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from oms_api.kit.db import Tx
from oms_api.kit.errors import Path, Refusal, refuse
from oms_api.kit.graphql import (
    Info,
    Money,
    MoneyInput,
    Node,
    Outcome,
    Payload,
    argument,
    describe_enum,
    field,
    money_of,
    mutation,
    node_type,
    query,
)
from oms_api.orders import models, queries
from oms_api.orders.graphql.objects import Order, order_of
from oms_api.orders.models import LINE, SOURCING_WAVE, WaveState
from oms_api.orders.queries.waves import waves_by_id
from oms_api.orders.service import wave
from oms_api.orders.service.wave import Segment, WaveOutcome, WaveUnits
from oms_api.sourcing import WaveStrategy

describe_enum(
    WaveStrategy,
    "What a wave may do to an order, and how much its waiting weighs.",
    WIN="Served first, with units of REDISTRIBUTE, FILL and LOSE where it takes them; never worse than before.",
    KEEP="Keeps what it has, perhaps from a cheaper place; gets no more.",
    IMPROVE="Gets more, or what it has sooner, if there is any; never worse than before.",
    REDISTRIBUTE="May get anything and lose anything.",
    FILL="Takes what those before it leave, and may lose what it has to them.",
    LOSE="Gives way to everybody, and may lose all.",
)
describe_enum(
    WaveState, "How far a wave is.", RUNNING="Asked for, not over.", DONE="Over.", FAILED="Given up: `error`."
)
describe_enum(
    WaveUnits,
    "Which units a wave looks at.",
    BACKORDERS="Those that wait for stock.",
    ALL="Also those that are held but that no location works on yet, so that they may change hands or place.",
)
describe_enum(
    WaveOutcome,
    "What became of a proposed change.",
    PROPOSED="Nothing yet; in a dry run, nothing ever.",
    COMMITTED="Carried out.",
    SKIPPED="Not possible any more: the order changed or others were quicker. Another wave sees what there is.",
)


@strawberry.type(description="Units at a location.")
class SourcingWaveUnitsAt:
    location: str = field(description="Location handle.")
    quantity: int = field(description="Units.")


@strawberry.type(description="What a wave changes for a line.")
class SourcingWaveLineChange:
    line_id: strawberry.ID = field(description="The line.")
    sku: str = field(description="SKU.")
    released: list[SourcingWaveUnitsAt] = field(description="Units on hand that it gives up.")
    taken: list[SourcingWaveUnitsAt] = field(description="Units on hand that it gets.")
    awaited_released: int = field(description="Units of supply that it need not wait for any more.")
    waiting_before: int = field(description="Units that had nothing on hand.")
    waiting_after: int = field(description="Units that have nothing on hand then.")
    promised_on: date | None = field(description="Promised arrival before; null: not known.")
    new_promised_on: date | None = field(description="Promised arrival then; null: not known.")


@strawberry.type(description="What a wave changes for an order.")
class SourcingWaveChange:
    order_id: strawberry.Private[UUID]
    strategy: WaveStrategy = field(description="What the wave was allowed to do to it.")
    outcome: WaveOutcome = field(description="What became of it.")
    reason: str | None = field(description="Error code of what stood against it, when it was skipped.")
    lines: list[SourcingWaveLineChange] = field(description="By line.")

    @field(description="The order.")
    async def order(self, info: Info) -> Order | None:
        row = await info.context.load(queries.orders_by_id, self.order_id)
        return order_of(row) if row else None


@strawberry.type(description="Many orders planned again together.")
class SourcingWave(Node):
    state: WaveState = field(description="How far it is.")
    dry_run: bool = field(description="Only proposes.")
    orders: int = field(description="Orders that it looked at.")
    left_out: int = field(description="Orders beyond the 1,000 oldest; run another wave for them.")
    waiting_before: int = field(description="Units without stock on hand before.")
    waiting_after: int = field(description="Units without stock on hand when all changes are carried out.")
    cost_before: Money = field(
        description="Shipping, lateness, and each waiting unit by the weight of its strategy: before."
    )
    cost_after: Money = field(description="The same when all changes are carried out.")
    bound: Money = field(description="No outcome costs less.")
    gap: float = field(description="Share of `costAfter` by which an outcome could be better at most.")
    changes: list[SourcingWaveChange] = field(description="What it changes, by order.")
    error: str | None = field(description="Why it failed.")
    created_at: datetime = field(description="Asked for.")
    finished_at: datetime | None = field(description="Over since.")


def wave_of(row: models.SourcingWave) -> SourcingWave:
    after = row.cost_after_minor
    return SourcingWave(
        id=strawberry.ID(SOURCING_WAVE(row.id)),
        state=row.state,
        dry_run=row.dry_run,
        orders=row.orders,
        left_out=row.left_out,
        waiting_before=row.waiting_before,
        waiting_after=row.waiting_after,
        cost_before=money_of(row.cost_before_minor, row.currency),
        cost_after=money_of(after, row.currency),
        bound=money_of(row.bound_minor, row.currency),
        gap=(after - row.bound_minor) / after if after else 0.0,
        changes=[
            SourcingWaveChange(
                order_id=UUID(change["order_id"]),
                strategy=WaveStrategy(change["strategy"]),
                outcome=WaveOutcome(change["outcome"]),
                reason=change["reason"],
                lines=[_line(line) for line in change["lines"]],
            )
            for change in row.changes
        ],
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _line(line: Mapping[str, Any]) -> SourcingWaveLineChange:
    return SourcingWaveLineChange(
        line_id=strawberry.ID(LINE(UUID(line["line_id"]))),
        sku=line["sku"],
        released=[SourcingWaveUnitsAt(location=at, quantity=units) for at, units in line["released"].items()],
        taken=[SourcingWaveUnitsAt(location=at, quantity=units) for at, units in line["taken"].items()],
        awaited_released=line["awaited_released"],
        waiting_before=line["waiting_before"],
        waiting_after=line["waiting_after"],
        promised_on=_day(line["promised_on"]),
        new_promised_on=_day(line["new_promised_on"]),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


async def _find(info: Info, id_: UUID) -> SourcingWave | None:
    row = await info.context.load(waves_by_id, id_)
    return wave_of(row) if row else None


node_type(SOURCING_WAVE, SourcingWave, scope="sourcing:read", find=_find)


@strawberry.input(
    description="Orders that a strategy is for: every part sent must hold, of a list any one; nothing sent: all."
)
class SourcingWaveSegmentInput:
    strategy: WaveStrategy = field(description="What the wave may do to them.")
    customer_groups: list[str] | None = field(default=UNSET, description="Groups of the customer, in your words.")
    channels: list[str] | None = field(default=UNSET, description="Channel handles.")
    value_at_least: MoneyInput | None = field(default=UNSET, description="The order's total.")
    older_than_days: int | None = field(default=UNSET, description="Days since it was placed.")


@strawberry.input(description="Plan many orders again together.")
class SourcingWaveRunInput:
    idempotency_key: str = field(description="Your unique name for this call; a repeat answers with the same wave.")
    channels: list[str] = field(description="Channel handles, 1 to 50; of one currency.")
    units: WaveUnits = field(default=WaveUnits.BACKORDERS, description="Which units.")
    placed_since: datetime | None = field(default=UNSET, description="Only orders placed since.")
    skus: list[str] | None = field(default=UNSET, description="Only lines of these SKUs, at most 250.")
    segments: list[SourcingWaveSegmentInput] | None = field(
        default=UNSET, description="Strategies: the first segment that fits an order decides. At most 50."
    )
    otherwise: WaveStrategy = field(
        default=WaveStrategy.IMPROVE, description="WaveStrategy of orders that no segment fits."
    )
    per_day_late: MoneyInput | None = field(
        default=UNSET,
        description="What it is worth that a parcel arrives a day sooner; as the policy says when absent, else 1.00.",
    )
    propose_only: bool = field(
        default=False, name="dryRun", description="Compute and show what would change, and change nothing."
    )


@strawberry.type(description="Answer of `sourcingWaveRun`.")
class SourcingWavePayload(Payload):
    wave: SourcingWave | None = field(
        default=None, description="The wave, RUNNING: a job plans it; ask `sourcingWave` how far it is."
    )

    @classmethod
    async def answer(cls, info: Info, outcome: Outcome) -> SourcingWavePayload:
        rows = await info.context.load_many(waves_by_id, outcome.ids)
        found = [wave_of(row) for row in rows if row is not None]
        return SourcingWavePayload(wave=found[0] if found else None)


def _asked(input: SourcingWaveRunInput) -> tuple[wave.Asked, list[tuple[Path, str]]]:
    """What is asked for, and where which currency was sent."""
    problems: list[Refusal] = []
    currencies: list[tuple[Path, str]] = []

    def minor(sent: Any, path: Path) -> int | None:
        if not isinstance(sent, MoneyInput):
            return None
        currencies.append((path, sent.currency))
        try:
            return sent.minor(path)
        except Refusal as refusal:
            problems.append(refusal)
            return None

    segments = [
        Segment(
            strategy=one.strategy,
            customer_groups=tuple(one.customer_groups or ()),
            channels=tuple(one.channels or ()),
            value_at_least_minor=minor(one.value_at_least, ("input", "segments", i, "valueAtLeast")),
            older_than_days=one.older_than_days if isinstance(one.older_than_days, int) else None,
        )
        for i, one in enumerate(input.segments or ())
    ]
    late = minor(input.per_day_late, ("input", "perDayLate"))
    refuse(problems)
    asked = wave.Asked(
        channels=tuple(dict.fromkeys(input.channels)),
        units=input.units,
        placed_since=input.placed_since or None,
        skus=tuple(dict.fromkeys(input.skus or ())),
        segments=tuple(segments),
        otherwise=input.otherwise,
        per_day_late_minor=late,
    )
    return asked, currencies


@strawberry.type
class Query:
    @query(description="A wave by its id.", scope=["sourcing:read"], weight=5)
    async def sourcing_wave(self, info: Info, id: Annotated[strawberry.ID, argument("Its id.")]) -> SourcingWave | None:
        return await _find(info, SOURCING_WAVE.parse(id))


@strawberry.type
class Mutation:
    @mutation(
        SourcingWavePayload,
        description="Plan units of many orders again together: those that wait get what there is by strategy, at the "
        "least cost over all. A job does it and carries it out order by order, only what is still possible.",
        scope=["sourcing:write"],
        errors=["INVALID", "INVALID_AMOUNT", "NOT_FOUND"],
        emits=["sourcing.wave_started"],
    )
    async def sourcing_wave_run(tx: Tx, input: SourcingWaveRunInput) -> Outcome:
        asked, currencies = _asked(input)
        row = await wave.start(tx, asked, dry_run=input.propose_only, currencies=currencies)
        return Outcome(ids=[row.id], rows=[(waves_by_id, row.id, row)])
