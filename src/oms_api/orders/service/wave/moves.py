"""From what the solver says to what is let go and held, and which orders must change together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from oms_api.inventory import ReservationLine, Units
from oms_api.orders.service.wave.gather import AWAITED, Piece, Planned, day_of
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
    left: Left = Counter()
    for source, units in share.sent:
        for sku, count in units.items():
            left[sku, _place_of(source)] += count
    lines = [_Line(planned, handles) for planned in piece.lines]
    released = [units for line in lines for units in line.keep(left)]
    taken = []
    for source, units in share.sent:
        if _place_of(source) == AWAITED:
            continue  # it waits for that already
        parts = []
        for sku, count in sorted(units.items()):
            most = count
            for i, line in enumerate(lines):
                if some := line.take(source, sku, most, left):
                    most -= some
                    parts.append(PlannedUnits(sku, some, i))
        if parts:
            taken.append((source, tuple(parts)))
    if not released and not taken:
        return None
    changed = [line for line in lines if line.changed]
    return Moves(
        piece,
        share,
        tuple(released),
        tuple(taken),
        {line.planned.line.id: line.gained for line in changed},
        tuple(line.change() for line in changed),
    )


Left = Counter[tuple[str, str]]
"""Units of a share, by SKU and place, that no line has yet."""


def _place_of(source: Source) -> str:
    return AWAITED if source.location.startswith(AWAITED) else source.location


class _Line:
    """What a line keeps of what it holds, what it lets go and what it gets."""

    def __init__(self, planned: Planned, handles: Mapping[UUID, str]) -> None:
        self.planned = planned
        self.handles = handles
        self.open = {sku: planned.units * each for sku, each in planned.parts.items()}
        """Units by SKU that it has not got."""
        self.stays: list[tuple[ReservationLine, int]] = []
        self.released: Counter[str] = Counter()
        self.awaited_released = 0
        self.taken: Counter[str] = Counter()
        """Units on hand by place; those released too."""
        self.fresh: Counter[str] = Counter()
        """Units by SKU that it gets."""
        self.arrives: date | None = None

    def keep(self, left: Left) -> Iterable[Units]:
        """Keep what it holds where its share is: what is on hand first, then supply by when it comes. The rest is let
        go."""
        line = self.planned.line
        rows = sorted(
            self.planned.rows, key=lambda row: (row.supply_id is not None, row.deliver_by or date.max, row.id)
        )
        for row in rows:
            place = AWAITED if row.supply_id else self.handles.get(row.location_id, row.location_id.hex)
            own = min(row.quantity, left[row.sku, place])
            left[row.sku, place] -= own
            self.open[row.sku] -= own
            if own:
                self.stays.append((row, own))
            if own < row.quantity:
                if row.supply_id:
                    self.awaited_released += row.quantity - own
                else:
                    self.released[place] += row.quantity - own
                yield Units(line.id, row.sku, row.location_id, row.quantity - own)

    def take(self, source: Source, sku: str, most: int, left: Left) -> int:
        """Units of a SKU that it gets of a source."""
        some = min(most, left[sku, source.location], self.open.get(sku, 0))
        if some:
            left[sku, source.location] -= some
            self.open[sku] -= some
            self.taken[source.location] += some
            self.fresh[sku] += some
            self.arrives = max(day_of(source), self.arrives or date.min)
        return some

    @property
    def changed(self) -> bool:
        return bool(self.released or self.taken or self.awaited_released)

    @property
    def on_hand(self) -> int:
        """Whole units that it held on hand."""
        return self.planned.made_of(row for row in self.planned.rows if row.supply_id is None)

    @property
    def gained(self) -> int:
        """Units on hand by which it has more, or below 0 fewer, than before."""
        return self._whole(on_hand=True) - self.on_hand

    def _whole(self, *, on_hand: bool) -> int:
        """Whole units that it has now: all, or those on hand."""
        units = Counter(self.fresh)
        for row, own in self.stays:
            if row.supply_id is None or not on_hand:
                units[row.sku] += own
        return min(units[sku] // each for sku, each in self.planned.parts.items())

    def change(self) -> Change:
        line, waited = self.planned.line, self.planned.units - self.on_hand
        return Change(
            line_id=line.id,
            sku=line.sku,
            released=dict(sorted(self.released.items())),
            taken=dict(sorted(self.taken.items())),
            awaited_released=self.awaited_released,
            waiting_before=waited,
            waiting_after=waited - self.gained,
            promised_on=line.promised_on,
            new_promised_on=self._promised_on(),
        )

    def _promised_on(self) -> date | None:
        """When all of it is there now; None when some of it cannot be had any more, until it can."""
        line, units = self.planned.line, self.planned.units
        before, gap = units - self.planned.made_of(self.planned.rows), units - self._whole(on_hand=False)
        dates = [day for row, _ in self.stays if (day := row.deliver_by or line.promised_on)]
        dates += [self.arrives] if self.arrives else []
        if (line.allocated or units < line.backordered) and line.promised_on:
            dates.append(line.promised_on)  # of units that stay as they are
        if gap > before or (gap and not dates):
            return None
        return line.promised_on if gap else max(dates, default=line.promised_on)


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
