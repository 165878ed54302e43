"""A wave from its order to its end: a row is written, a job plans and carries out, and whoever asks reads the row."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col

from oms_api import network, sourcing
from oms_api.kit import clock, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Instant, Json, Tx, mine, param, prepared, table_of
from oms_api.kit.errors import Invalid, InvalidAmount, NotFound, Path, Refusal, refuse
from oms_api.kit.events import emit
from oms_api.kit.jobs import Jobs
from oms_api.orders.events import SourcingWaveFinished, SourcingWaveStarted
from oms_api.orders.models import SOURCING_WAVE, SourcingWave, WaveState
from oms_api.orders.service.wave.carry_out import carry_out
from oms_api.orders.service.wave.gather import Gathered, gather
from oms_api.orders.service.wave.moves import Moves, moves_of, together
from oms_api.orders.service.wave.words import Asked, WaveOutcome, row_of
from oms_api.sourcing import Outcome

log = structlog.get_logger()

ATTEMPTS_MAX = 3
STALE_AFTER = timedelta(minutes=10)
"""A wave that was not seen alive for so long is begun again, at most ATTEMPTS_MAX times in all."""
BEAT_EVERY = timedelta(seconds=5)
"""So often a wave says how far it is."""
CHANNELS_MAX = 50
SKUS_MAX = 250
SEGMENTS_MAX = 50

_BEGIN = prepared(
    update(table_of(SourcingWave))
    .where(
        mine(SourcingWave),
        col(SourcingWave.id) == param("of", Uuid()),
        col(SourcingWave.state) == WaveState.RUNNING,
        (col(SourcingWave.attempts) == 0) | (col(SourcingWave.beat_at) < param("before", Instant())),
    )
    .values(attempts=col(SourcingWave.attempts) + 1, beat_at=param("at", Instant()))
    .returning(SourcingWave)
)
_NUMBERS = ("waiting_before", "waiting_after", "cost_before_minor", "cost_after_minor", "bound_minor")
_PLANNED = prepared(
    update(table_of(SourcingWave))
    .where(mine(SourcingWave), col(SourcingWave.id) == param("of", Uuid()))
    .values(
        orders=param("orders", BigInteger()),
        left_out=param("left_out", BigInteger()),
        **{name: param(name, BigInteger()) for name in _NUMBERS},
        changes=param("changes", Json()),
        beat_at=param("at", Instant()),
    )
)
_BEAT = prepared(
    update(table_of(SourcingWave))
    .where(mine(SourcingWave), col(SourcingWave.id) == param("of", Uuid()))
    .values(changes=param("changes", Json()), beat_at=param("at", Instant()))
)
_END_DONE, _END_FAILED = (
    prepared(
        update(table_of(SourcingWave))
        .where(
            mine(SourcingWave),
            col(SourcingWave.id) == param("of", Uuid()),
            col(SourcingWave.state) == WaveState.RUNNING,
        )
        .values(state=state, error=param("error"), finished_at=param("at", Instant()))
        .returning(SourcingWave)
    )
    for state in (WaveState.DONE, WaveState.FAILED)
)


async def start(tx: Tx, asked: Asked, *, dry_run: bool, currencies: Sequence[tuple[Path, str]] = ()) -> SourcingWave:
    """Ask for a wave; a job runs it. `currencies`: where which was sent. Raises NotFound, Invalid, InvalidAmount."""
    refuse(_problems(asked))
    known = await network.channels_by_handle(tx, asked.channels)
    refuse(
        [
            NotFound(
                f"There is no channel {handle[:60]!r}; create it with channelPut first.", path=("input", "channels", i)
            )
            for i, handle in enumerate(asked.channels)
            if handle not in known
        ]
    )
    used = sorted({row.currency for row in known.values()})
    if len(used) > 1:
        raise Invalid(
            f"These channels sell in {', '.join(used)}: costs cannot be compared. Run a wave for each currency.",
            path=("input", "channels"),
        )
    refuse(
        [
            InvalidAmount(f"{sent} was sent where the channels sell in {used[0]}.", path=path)
            for path, sent in currencies
            if sent != used[0]
        ]
    )
    at = clock.now()
    wave = await tx.add(
        SourcingWave,
        tenant_id=tx.tenant_id,
        id=ids.new(),
        state=WaveState.RUNNING,
        dry_run=dry_run,
        asked=asked.data(),
        currency=used[0],
        beat_at=at,
        created_at=at,
    )
    emit(tx, SourcingWaveStarted(dry_run=dry_run), subject=SOURCING_WAVE.ref(wave.id), added=["wave"])
    return wave


def _problems(asked: Asked) -> list[Refusal]:
    found: list[Refusal] = []
    for name, values, least, most in (
        ("channels", asked.channels, 1, CHANNELS_MAX),
        ("skus", asked.skus, 0, SKUS_MAX),
        ("segments", asked.segments, 0, SEGMENTS_MAX),
    ):
        if not least <= len(values) <= most:
            found.append(Invalid(f"Send {least} to {most} {name}, not {len(values)}.", path=("input", name)))
    for i, segment in enumerate(asked.segments):
        for name, value in (("valueAtLeast", segment.value_at_least_minor), ("olderThanDays", segment.older_than_days)):
            if value is not None and not 0 <= value <= 10**12:
                found.append(Invalid(f"{value} must be 0 or more.", path=("input", "segments", i, name)))
    if asked.per_day_late_minor is not None and not 0 <= asked.per_day_late_minor <= 10**9:
        found.append(Invalid("perDayLate must be 0 or more.", path=("input", "perDayLate")))
    return found


async def run(jobs: Jobs, tenant_id: UUID, wave_id: UUID) -> None:
    """Plan a wave and, unless it is a dry run, carry it out order by order. Run again it goes on with what is left."""
    caller = system(tenant_id)
    wave: SourcingWave | None = await jobs.db.run(partial(_begin, wave_id=wave_id), caller)
    if wave is None:
        return
    if wave.attempts > ATTEMPTS_MAX:
        await jobs.db.run(
            partial(_end, wave_id=wave_id, error=f"it was begun {ATTEMPTS_MAX} times and never ended"), caller
        )
        return
    asked = Asked.of(wave.asked)
    async with jobs.db.reading(tenant_id) as reading:
        gathered = await gather(reading, asked)
    found = await asyncio.to_thread(solved, gathered)
    moves = [
        one
        for piece, share in zip(gathered.pieces, found.shares, strict=True)
        if share.changed and (one := moves_of(piece, share)) is not None
    ]
    # what an attempt before this one has carried out stays written
    done = [row for row in wave.changes if row["outcome"] == WaveOutcome.COMMITTED]
    rows = {one.piece.claim.key: row_of(one.piece.order.id, one.piece.claim.strategy, one.lines) for one in moves}
    changes = partial(_changes, done, rows)
    await jobs.db.run(partial(_keep, wave_id=wave_id, gathered=gathered, found=found, rows=changes()), caller)
    if not wave.dry_run and moves:
        beat = clock.now()
        for group in together(moves):
            outcome, reason = await _carried_out(jobs, tenant_id, group)
            for one in group:
                rows[one.piece.claim.key] |= {"outcome": outcome.value, "reason": reason}
            # each time all changes are written: not after each
            if clock.now() - beat > BEAT_EVERY:
                await jobs.db.run(partial(_beat, wave_id=wave_id, rows=changes()), caller)
                beat = clock.now()
        await jobs.db.run(partial(_beat, wave_id=wave_id, rows=changes()), caller)
    await jobs.db.run(partial(_end, wave_id=wave_id, error=None), caller)


def solved(gathered: Gathered) -> Outcome:
    """What all of it comes to."""
    return sourcing.wave([piece.claim for piece in gathered.pieces], capacity=gathered.capacity)


def _changes(done: Sequence[Any], rows: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [*done, *(row for _, row in sorted(rows.items()))]


async def _carried_out(jobs: Jobs, tenant_id: UUID, group: Sequence[Moves]) -> tuple[WaveOutcome, str | None]:
    async def work(tx: Tx) -> None:
        await carry_out(tx, group)

    try:
        await jobs.db.run(work, system(tenant_id))
    except Refusal as refusal:
        return WaveOutcome.SKIPPED, refusal.parts()[0].code
    return WaveOutcome.COMMITTED, None


async def fail(jobs: Jobs, tenant_id: UUID, wave_id: UUID, error: Exception) -> None:
    """A wave that cannot be run says so, and is over."""
    log.error("a wave failed", wave_id=SOURCING_WAVE(wave_id), exc_info=error)
    await jobs.db.run(partial(_end, wave_id=wave_id, error=type(error).__name__), system(tenant_id))


async def _begin(tx: Tx, wave_id: UUID) -> SourcingWave | None:
    at: datetime = clock.now()
    found: SourcingWave | None = await tx.first(_BEGIN, {"of": wave_id, "at": at, "before": at - STALE_AFTER})
    return found


async def _keep(tx: Tx, wave_id: UUID, gathered: Gathered, found: Outcome, rows: Sequence[Any]) -> None:
    before = sum(piece_units - held for piece_units, held in _on_hand(gathered))
    after = before - sum(line["waiting_before"] - line["waiting_after"] for row in rows for line in row["lines"])
    await tx.run(
        _PLANNED,
        {
            "of": wave_id,
            "orders": gathered.orders,
            "left_out": gathered.left_out,
            "waiting_before": before,
            "waiting_after": after,
            "cost_before_minor": found.score_before,
            "cost_after_minor": found.score,
            "bound_minor": found.bound,
            "changes": list(rows),
            "at": clock.now(),
        },
    )


def _on_hand(gathered: Gathered) -> list[tuple[int, int]]:
    """(Units, those of them held on hand) of each line."""
    return [
        (one.units, one.made_of(row for row in one.rows if row.supply_id is None))
        for piece in gathered.pieces
        for one in piece.lines
    ]


async def _beat(tx: Tx, wave_id: UUID, rows: Sequence[Any]) -> None:
    await tx.run(_BEAT, {"of": wave_id, "changes": list(rows), "at": clock.now()})


async def _end(tx: Tx, wave_id: UUID, error: str | None) -> None:
    statement = _END_DONE if error is None else _END_FAILED
    wave: SourcingWave | None = await tx.first(statement, {"of": wave_id, "error": error, "at": clock.now()})
    if wave is not None:
        changed = {row["order_id"] for row in wave.changes if row["outcome"] == WaveOutcome.COMMITTED}
        emit(
            tx,
            SourcingWaveFinished(state=wave.state, orders=wave.orders, changed=len(changed)),
            subject=SOURCING_WAVE.ref(wave.id),
            updated=["state"],
        )
