"""What one request carries: the caller, the database, its loaders and the `extensions` of its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import strawberry

from oms_api.kit.caller import Caller
from oms_api.kit.db import Database, Reading
from oms_api.kit.errors import NotAllowed

K = TypeVar("K")
V = TypeVar("V")

SESSIONS_PER_REQUEST_MAX = 4


@dataclass(slots=True)
class Context:
    db: Database
    caller: Caller | None
    request_id: str
    services: Mapping[str, Any] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)
    rate: tuple[int, int, int] = (0, 0, 0)
    _values: dict[Any, dict[Any, asyncio.Future[Any]]] = field(default_factory=dict)
    _waiting: dict[Any, list[Any]] = field(default_factory=dict)
    _fetching: set[asyncio.Task[None]] = field(default_factory=set)
    _sessions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SESSIONS_PER_REQUEST_MAX))

    def known_caller(self) -> Caller:
        if self.caller is None:
            raise NotAllowed("UNAUTHENTICATED", "Send an API key: `Authorization: Bearer oms_…`.")
        return self.caller

    async def read(self, query: Callable[..., Awaitable[V]], *args: Any, **kwargs: Any) -> V:
        """`query(reading, …)` in a read session of its own."""
        async with self._sessions, self.db.reading(self.known_caller().tenant_id) as reading:
            return await query(reading, *args, **kwargs)

    async def load(self, query: Callable[[Reading, Sequence[K]], Awaitable[Mapping[K, V]]], key: K) -> V | None:
        """One value of a batch query `(reading, keys) -> {key: value}`; sibling fields share one statement."""
        return await _shared(self._asked(query, key))

    async def load_many(
        self, query: Callable[[Reading, Sequence[K]], Awaitable[Mapping[K, V]]], keys: Sequence[K]
    ) -> list[V | None]:
        return [await _shared(one) for one in [self._asked(query, key) for key in keys]]

    def prime(self, query: Callable[..., Any], key: Any, value: Any) -> None:
        """What the verb has already in hand need not be read again."""
        known = self._values.setdefault(query, {})
        if key not in known or known[key].done():
            known[key] = asyncio.get_running_loop().create_future()
        known[key].set_result(value)

    def _asked(self, query: Callable[..., Any], key: Any) -> asyncio.Future[Any]:
        """The value to be; what is asked for until the loop comes round is read by one statement."""
        known = self._values.setdefault(query, {})
        found = known.get(key)
        if found is None:
            loop = asyncio.get_running_loop()
            found = known[key] = loop.create_future()
            if query not in self._waiting:
                self._waiting[query] = []
                loop.call_soon(self._dispatch, query)
            self._waiting[query].append(key)
        return found

    def _dispatch(self, query: Callable[..., Any]) -> None:
        task = asyncio.create_task(self._fetch(query, self._waiting.pop(query)))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _fetch(self, query: Callable[..., Any], keys: list[Any]) -> None:
        known = self._values[query]
        asked = [(key, one) for key in keys if not (one := known[key]).done()]
        try:
            values = await self.read(query, [key for key, _ in asked]) if asked else {}
        except Exception as error:  # noqa: BLE001 - raised again where it was asked for
            for _, one in asked:
                if not one.done():
                    one.set_exception(error)
                    one.exception()  # told to whoever waits; where nobody does any more, it is not worth a log line
        else:
            for key, one in asked:
                if not one.done():
                    one.set_result(values.get(key))

    def close(self) -> None:
        """Nobody waits any more: stop what is still being read."""
        for task in self._fetching:
            task.cancel()


async def _shared(value: asyncio.Future[V]) -> V:
    """The value; a field that is given up while it waits does not take it from the others."""
    return value.result() if value.done() else await asyncio.shield(value)


Info: TypeAlias = strawberry.Info[Context, None]
