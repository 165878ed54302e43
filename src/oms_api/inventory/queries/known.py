"""Stock that this process has read before, believed only as far as the event log says that it still stands.

Every change of what `stock()` gives is told by a fact in its own transaction. So one statement that gives the tenant's
newer facts, those that have no position yet among them, says which SKUs are to be read again: what is answered is never
older than that statement. Nothing is pushed, so nothing can be missed: see docs/decisions/0006.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson

from oms_api.inventory.events import InventoryRuleChanged
from oms_api.inventory.models import StockRuleKind
from oms_api.inventory.queries.news import FRESHNESS, NEWS_MAX, READ_ANEW, TOPICS
from oms_api.inventory.queries.promisable import KINDS, Incoming, Stock, net, ruled, stock
from oms_api.kit import clock
from oms_api.kit.db import Reading, Tx

T = TypeVar("T")

ROWS_MAX = 200_000
"""Rows that a process remembers, of all tenants; some 400 bytes each, and 100 for each view of them."""
VIEWS_MAX = 4
"""Views that are kept of a SKU, the latest."""
TENANTS_MAX = 4_096
_NOWHERE = 2**62
"""Beyond every position."""
_NEVER = datetime.max.replace(tzinfo=UTC)


class OfSku:
    """All of one SKU, whoever asks: rows of every location, and the rules in force of every method and channel. It
    stands from one instant until another, when time alone changes it. Shared between requests: never change it."""

    __slots__ = ("_limits", "_stock", "_views", "incoming", "since", "until")

    def __init__(
        self, stock: list[Stock], incoming: list[Incoming], limits: list[Any], since: datetime, until: datetime
    ) -> None:
        self._stock = stock
        self.incoming = incoming
        self._limits = limits
        self.since = since
        self.until = until
        self._views: dict[int, Any] = {}

    @property
    def rows(self) -> int:
        return 1 + len(self._stock) + len(self.incoming) + len(self._limits)

    def holds(self, at: datetime) -> bool:
        return self.since <= at < self.until

    def stock(self, wanted: Container[UUID] | None, method: str | None, channel: str | None) -> list[Stock]:
        """Positions at some locations or all, with what the rules say of them that speak of this method and channel."""
        some = self._stock if wanted is None else [row for row in self._stock if row.location_id in wanted]
        limits = [row for row in self._limits if row.part == 4 or _speaks(row, method, channel)]
        return ruled(some, limits, channel) if limits else some

    def view(self, number: int, work_out: "Callable[[OfSku], T]") -> T:
        """What somebody works out of it alone, by a number that stands for how; kept for as long as it is itself."""
        found: T | None = self._views.get(number)
        if found is None:
            found = work_out(self)
            latest = list(self._views.items())[1 - VIEWS_MAX :]
            self._views = {**dict(latest), number: found}  # another thread sees the old ones or the new ones
        return found


class _Log:
    """How far a tenant's log was looked at: to a position (None: not yet), and of later facts those that were seen
    without one. What is kept belongs to a log; another one in its place forgets it all."""

    __slots__ = ("position", "seen")

    def __init__(self, position: int | None = None, seen: Iterable[UUID] = ()) -> None:
        self.position = position
        self.seen = set(seen)


class _Kept(NamedTuple):
    """What is kept of a SKU. Without an entry it is a claim: somebody reads it, and what he brings counts only while
    his claim stands, so that it is not put over what changed since."""

    log: _Log
    entry: OfSku | None = None

    @property
    def rows(self) -> int:
        return 1 if self.entry is None else self.entry.rows


class _Look(NamedTuple):
    """What one reading asks: facts since a position (None: of none), and the SKUs that it reads and claims."""

    log: _Log
    since: int | None
    missing: list[str]
    claim: _Kept


class Memory:
    """Entries by tenant and SKU, the least recently used forgotten first. Shared by all threads of a process."""

    def __init__(self, rows_max: int = ROWS_MAX) -> None:
        self.rows = 0
        self._rows_max = rows_max
        self._lock = threading.Lock()
        self._logs: OrderedDict[UUID, _Log] = OrderedDict()
        self._kept: OrderedDict[tuple[UUID, str], _Kept] = OrderedDict()

    def look(self, tenant_id: UUID, skus: Iterable[str], *, again: bool = False) -> _Look:
        """Claim the SKUs that are not remembered, or all when they are to be read `again`."""
        with self._lock:
            log = self._logs.get(tenant_id)
            if log is None:
                log = self._logs[tenant_id] = _Log()
                if len(self._logs) > TENANTS_MAX:
                    self._logs.popitem(last=False)
            self._logs.move_to_end(tenant_id)
            claim = _Kept(log)
            missing = [sku for sku in skus if again or not self._knows(log, (tenant_id, sku))]
            for sku in missing:
                self._put((tenant_id, sku), claim)
            return _Look(log, log.position, missing, claim)

    def learn(
        self, tenant_id: UUID, look: _Look, skus: Iterable[str], rows: Sequence[Any]
    ) -> tuple[datetime, dict[str, OfSku]]:
        """Forget what the facts among the rows say is old, keep what was read; when that was, and the entries of these
        SKUs that stand at that instant."""
        end, at = 0, _NEVER
        news: list[Any] = []
        read: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows:
            if row.part < 6:
                read[row.sku].append(row)
            elif row.part == 6:
                news.append(row)
            else:
                end, at = row.units, row.at
        made = {sku: _entry(at, read[sku]) for sku in look.missing}
        with self._lock:
            log = look.log
            current = self._logs.get(tenant_id) is log
            if current and self._lost(look, end, news):
                # what was read together with these facts is as new as they are
                log = self._logs[tenant_id] = _Log(end, (row.of for row in news if row.units is None))
            elif current:
                self._forget(tenant_id, look, news)
                if look.since is not None:
                    log.position = max(log.position or 0, end)
                elif log.position is None:
                    log.position = end
            found: dict[str, OfSku] = {}
            for sku in skus:
                key = tenant_id, sku
                kept, own = self._kept.get(key), made.get(sku)
                if own is not None:
                    found[sku] = own
                    if kept is look.claim:
                        self._drop(key)
                        if current and own.holds(at):
                            self._put(key, _Kept(log, own))
                elif current and kept and kept.log is log and kept.entry and kept.entry.holds(at):
                    found[sku] = kept.entry
            return at, found

    def _lost(self, look: _Look, end: int, news: Sequence[Any]) -> bool:
        """Whether it cannot be told, or not cheaply, what is old: more happened than is looked at, a rule changed (its
        handle may have named another SKU), or the log ends before what was seen of it: the database is another one."""
        if look.since is not None and not look.since <= end <= look.since + NEWS_MAX:
            return True
        if sum(row.units is None for row in news) > NEWS_MAX:
            return True
        return any(row.sku == InventoryRuleChanged.topic and row.of not in look.log.seen for row in news)

    def _forget(self, tenant_id: UUID, look: _Look, news: Sequence[Any]) -> None:
        """Facts that nobody has seen yet: what they name is old, unless it was read together with them."""
        seen = look.log.seen
        for row in news:
            known = row.of in seen
            if row.units is None:
                seen.add(row.of)
            else:
                seen.discard(row.of)
            if not known:
                data = orjson.loads(row.word)
                for sku in {line["sku"] for line in data["lines"]} if "lines" in data else (data["sku"],):
                    if self._kept.get((tenant_id, sku)) is not look.claim:
                        self._drop((tenant_id, sku))

    def _knows(self, log: _Log, key: tuple[UUID, str]) -> bool:
        kept = self._kept.get(key)
        if kept is None or kept.entry is None or kept.log is not log:
            return False
        self._kept.move_to_end(key)
        return True

    def _put(self, key: tuple[UUID, str], kept: _Kept) -> None:
        self._drop(key)
        self._kept[key] = kept
        self.rows += kept.rows
        while self.rows > self._rows_max:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[UUID, str]) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self.rows -= before.rows


def _entry(at: datetime, rows: Sequence[Any]) -> OfSku:
    """What the rows of one SKU say, read at an instant."""
    positions, supplies = net(rows)
    limits = [row for row in rows if row.part == 3 or row.part == 4]
    ends = [row.at for row in rows if row.part == 5 and row.at is not None]
    if any(row.part == 3 and KINDS[row.reserved] is StockRuleKind.MAX_PER_DAY for row in limits):
        ends.append(datetime.combine(clock.now().date() + timedelta(days=1), time(), UTC))
        if any(row.part == 2 for row in rows):
            # units that lapsed are given back to their day later, and no fact tells of it
            ends.append(at)
    return OfSku(positions, supplies, limits, at, min(ends, default=_NEVER))


_memory = Memory()


class Known(NamedTuple):
    """Stock and supplies as `stock` gives them; no change that was committed before `as_of` is left out."""

    stock: list[Stock]
    incoming: list[Incoming]
    as_of: datetime


async def known_stock(
    reading: Reading,
    skus: Sequence[str],
    location_ids: Sequence[UUID] | None,
    *,
    method: str | None = None,
    channel: str | None = None,
    memory: Memory | None = None,
) -> Known:
    """What `stock` gives, from memory where that is as new: statements and instants as for `known_skus`.

    In a transaction everything is read, as `stock` does.
    """
    if isinstance(reading, Tx):
        found = await stock(reading, skus, location_ids, method=method, channel=channel)
        return Known(*found, clock.now())
    entries, as_of = await known_skus(reading, skus, memory=memory)
    wanted = None if location_ids is None else set(location_ids)
    rows: list[Stock] = []
    incoming: list[Incoming] = []
    for sku in dict.fromkeys(skus):
        entry = entries[sku]
        rows += entry.stock(wanted, method, channel)
        incoming += entry.incoming if wanted is None else [row for row in entry.incoming if row.location_id in wanted]
    return Known(rows, incoming, as_of)


async def known_skus(
    reading: Reading, skus: Sequence[str], *, memory: Memory | None = None
) -> tuple[Mapping[str, OfSku], datetime]:
    """All of these SKUs, and the instant up to which every change is in it: one statement, a second where something
    changed.

    Two SKUs may be told as of two instants, both at or after that one. In a transaction everything is read: what it
    changed itself is told by no fact yet. `memory`: the process's, unless a test brings its own.
    """
    memory = Memory() if isinstance(reading, Tx) else memory or _memory
    tenant_id = reading.tenant_id
    look = memory.look(tenant_id, skus)
    as_of, entries = memory.learn(tenant_id, look, skus, await _asked(reading, look))
    old = [sku for sku in skus if sku not in entries]
    if old:
        look = memory.look(tenant_id, old, again=True)
        entries |= memory.learn(tenant_id, look, old, await _asked(reading, look))[1]
    return entries, as_of


async def _asked(reading: Reading, look: _Look) -> list[Any]:
    values: Mapping[str, Any] = {"since": _NOWHERE if look.since is None else look.since, "topics": TOPICS}
    if not look.missing:
        return await reading.all(FRESHNESS, values)
    codes = [{"sku": sku} for sku in look.missing]
    values = {**values, "skus": look.missing, "codes": codes, "day": clock.now().date()}
    return await reading.all(READ_ANEW, values)


def _speaks(row: Any, method: str | None, channel: str | None) -> bool:
    """Whether a rule is for what is delivered by this method and sold in this channel."""
    kept = KINDS[row.reserved] is StockRuleKind.SAFETY_STOCK
    return row.word is None or row.word == (method if kept else channel)
