"""What a process keeps in memory of the database, each as of a stamp that the database has given it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from uuid import UUID

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values as of a stamp, by key; the least recently used are forgotten first. Shared by all threads and requests:
    never change a value.

    Nothing here is ever believed without the database's word that the stamp still stands. `size_max` bounds the sum of
    `size` of the values; without `size` it is how many there are.
    """

    def __init__(self, size_max: int, size: Callable[[V], int] = lambda value: 1) -> None:
        self._size_max = size_max
        self._size_of = size
        self._size = 0
        self._lock = threading.Lock()
        self._found: OrderedDict[K, tuple[UUID, V]] = OrderedDict()

    def last(self, key: K) -> tuple[UUID, V] | None:
        """The stamp and the value that were put last."""
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def get(self, key: K, stamp: UUID) -> V | None:
        """The value as of this stamp."""
        found = self.last(key)
        return None if found is None or found[0] != stamp else found[1]

    def put(self, key: K, stamp: UUID, value: V) -> None:
        with self._lock:
            before = self._found.pop(key, None)
            if before is not None:
                self._size -= self._size_of(before[1])
            self._found[key] = (stamp, value)
            self._size += self._size_of(value)
            while self._size > self._size_max:
                _, (_, oldest) = self._found.popitem(last=False)
                self._size -= self._size_of(oldest)
