"""From what the solver says to what is let go and held, and which orders must change together."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from oms_api.inventory import ReservationLine, Units
from oms_api.orders.service.wave.gather import AWAITED, Piece, day_of
from oms_api.orders.service.wave.words import Change
from oms_api.promising import PlannedUnits
from oms_api.sourcing import Share, Source


class Moves(NamedTuple):
    """What changes for a piece: units that are let go, units that are held anew by source, and each line's change."""

    piece: Piece
    share: Share
    released: tuple[Units, ...]
    taken: tuple[tuple[Source, tuple[PlannedUnits, ...]], ...]
    gained: dict[UUID, int]
    """Units on hand by which a line has more (or, below 0, fewer) than before."""
    lines: tuple[Change, ...]


def moves_of(piece: Piece, share: Share) -> Moves | None:
    """What must change so that a piece has its share; None when nothing does."""
    handles = {row.id: row.handle for row in piece.offer.question.network.locations}
    target: Counter[tuple[str, str]] = Counter()
    fresh: list[tuple[Source, dict[str, int]]] = []
    for source, units in share.sent:
        place = AWAITED if source.location.startswith(AWAITED) else source.location
        for sku, count in units.items():
            target[sku, place] += count
        if place != AWAITED:
            fresh.append((source, dict(units)))
    released: list[Units] = []
    gone: dict[UUID, Counter[str]] = defaultdict(Counter)
    stays: dict[UUID, list[tuple[ReservationLine, int]]] = defaultdict(list)
    open_: dict[tuple[int, str], int] = {}
    awaited_gone: Counter[UUID] = Counter()
    for i, (line, count, rows, _) in enumerate(piece.lines):
        for sku, each in piece.lines[i].parts.items():
            open_[i, sku] = count * each
        # what is on hand first, then supply by when it comes: the rest of a place is let go
        for row in sorted(rows, key=lambda row: (row.supply_id is not None, row.deliver_by or date.max, row.id)):
            place = AWAITED if row.supply_id else handles.get(row.location_id, row.location_id.hex)
            own = min(row.quantity, target[row.sku, place])
            target[row.sku, place] -= own
            open_[i, row.sku] -= own
            if own:
                stays[line.id].append((row, own))
            if own < row.quantity:
                released.append(Units(line.id, row.sku, row.location_id, row.quantity - own))
                if row.supply_id:
                    awaited_gone[line.id] += row.quantity - own
                else:
                    gone[line.id][place] += row.quantity - own
    taken: list[tuple[Source, tuple[PlannedUnits, ...]]] = []
    got: dict[UUID, Counter[str]] = defaultdict(Counter)
    fresh_of: dict[UUID, Counter[str]] = defaultdict(Counter)
    arrives: dict[UUID, date] = {}
    for source, units in fresh:
        parts = []
        for sku, count in sorted(units.items()):
            left = min(count, target[sku, source.location])
            target[sku, source.location] -= left
            for i, planned in enumerate(piece.lines):
                line_id = planned.line.id
                some = min(left, open_.get((i, sku), 0))
                if some:
                    open_[i, sku] -= some
                    left -= some
                    parts.append(PlannedUnits(sku, some, i))
                    got[line_id][source.location] += some
                    fresh_of[line_id][sku] += some
                    arrives[line_id] = max(day_of(source), arrives.get(line_id, day_of(source)))
        if parts:
            taken.append((source, tuple(parts)))
    if not released and not taken:
        return None
    changes = []
    gained: dict[UUID, int] = {}
    for planned in piece.lines:
        line, count, rows, _ = planned
        if not (gone[line.id] or got[line.id] or awaited_gone[line.id]):
            continue
        each_of = planned.parts
        on_hand = planned.made_of(row for row in rows if row.supply_id is None)
        here, anywhere = Counter(fresh_of[line.id]), Counter(fresh_of[line.id])
        for row, own in stays[line.id]:
            anywhere[row.sku] += own
            if row.supply_id is None:
                here[row.sku] += own
        gained[line.id] = min(here[sku] // each for sku, each in each_of.items()) - on_hand
        before = count - planned.made_of(rows)
        gap = count - min(anywhere[sku] // each for sku, each in each_of.items())
        dates = [day for row, _ in stays[line.id] if (day := row.deliver_by or line.promised_on)]
        dates += [arrives[line.id]] if line.id in arrives else []
        if (line.allocated or planned.units < line.backordered) and line.promised_on:
            dates.append(line.promised_on)  # of units that stay as they are
        new: date | None = None
        if gap > before or (gap and not dates):
            pass  # some of it cannot be had any more: no date until it can
        elif gap:
            new = line.promised_on
        else:
            new = max(dates, default=line.promised_on)
        changes.append(
            Change(
                line_id=line.id,
                sku=line.sku,
                released=dict(sorted(gone[line.id].items())),
                taken=dict(sorted(got[line.id].items())),
                awaited_released=awaited_gone[line.id],
                waiting_before=count - on_hand,
                waiting_after=count - on_hand - gained[line.id],
                promised_on=line.promised_on,
                new_promised_on=new,
            )
        )
    return Moves(piece, share, tuple(released), tuple(taken), gained, tuple(changes))


def together(moves: Sequence[Moves]) -> list[list[Moves]]:
    """Moves in groups that must be carried out in one transaction: who takes units and who lets these very units go,
    and all of an order. By order."""
    parent: dict[UUID, UUID] = {one.piece.order.id: one.piece.order.id for one in moves}

    def root(id_: UUID) -> UUID:
        while parent[id_] != id_:
            id_ = parent[id_]
        return id_

    free: dict[tuple[str, UUID], int] = {}
    takers: dict[tuple[str, UUID], list[tuple[UUID, int]]] = defaultdict(list)
    givers: dict[tuple[str, UUID], list[list[object]]] = defaultdict(list)
    for one in moves:
        order_id = one.piece.order.id
        for source, parts in one.taken:
            location_id = one.piece.offer.location_id(source.location)
            for part in parts:
                key = (part.sku, location_id)
                takers[key].append((order_id, part.quantity))
                free[key] = min(free.get(key, 2**31), max(one.piece.offer.free.get(key, 0), 0))
        for unit in one.released:
            givers[unit.sku, unit.location_id].append([order_id, unit.quantity])
    for key, wanting in takers.items():
        left = free[key]
        queue = givers[key]
        for order_id, units in wanting:
            own = min(left, units)
            left -= own
            units -= own
            while units and queue:
                giver, count = queue[0]
                assert isinstance(giver, UUID) and isinstance(count, int)
                some = min(units, count)
                units -= some
                queue[0][1] = count - some
                if count == some:
                    queue.pop(0)
                one_root, other = sorted((root(order_id), root(giver)))
                parent[other] = one_root
    groups: dict[UUID, list[Moves]] = defaultdict(list)
    for one in moves:
        groups[root(one.piece.order.id)].append(one)
    return [groups[id_] for id_ in sorted(groups)]
