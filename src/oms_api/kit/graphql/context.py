"""What one request carries: the caller, the database, its loaders and the `extensions` of its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

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
    _loaders: dict[Any, DataLoader[Any, Any]] = field(default_factory=dict)
    _sessions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SESSIONS_PER_REQUEST_MAX))

    def known_caller(self) -> Caller:
        if self.caller is None:
            raise NotAllowed("UNAUTHENTICATED", "Send an API key: `Authorization: Bearer oms_…`.")
        return self.caller

    async def read(self, query: Callable[..., Awaitable[V]], *args: Any, **kwargs: Any) -> V:
        """`query(reading, …)` in a read session of its own."""
        async with self._sessions, self.db.reading(self.known_caller().tenant_id) as reading:
            return await query(reading, *args, **kwargs)

    def loader(self, query: Callable[[Reading, Sequence[K]], Awaitable[Mapping[K, V]]]) -> DataLoader[K, V | None]:
        found = self._loaders.get(query)
        if found is None:

            async def load(keys: list[K]) -> list[V | None]:
                values = await self.read(query, keys)
                return [values.get(key) for key in keys]

            found = self._loaders[query] = DataLoader(load)
        return found

    async def load(self, query: Callable[[Reading, Sequence[K]], Awaitable[Mapping[K, V]]], key: K) -> V | None:
        """One value of a batch query `(reading, keys) -> {key: value}`; sibling fields share one statement."""
        return await self.loader(query).load(key)

    async def load_many(
        self, query: Callable[[Reading, Sequence[K]], Awaitable[Mapping[K, V]]], keys: Sequence[K]
    ) -> list[V | None]:
        return await self.loader(query).load_many(list(keys))

    def prime(self, query: Callable[..., Any], key: Any, value: Any) -> None:
        """What the verb has already in hand need not be read again."""
        self.loader(query).prime(key, value, force=True)


Info: TypeAlias = strawberry.Info[Context, None]
