"""Who waits for a connection, or for SQLite's only writer, is served in the order of coming."""

import asyncio
import threading
from collections import deque

from oms_api.kit.errors import Overloaded

POOL_WAIT_S = 5.0


async def place(places: asyncio.Semaphore) -> None:
    """Take a place, waiting for at most POOL_WAIT_S. Raises Overloaded."""
    if not places.locked():
        await places.acquire()
        return
    try:
        async with asyncio.timeout(POOL_WAIT_S):  # wait_for may swallow a cancellation, until Python 3.12
            await places.acquire()
    except TimeoutError:
        raise Overloaded(f"no database connection became free in {POOL_WAIT_S:g} s") from None


class Gate:
    """First come, first served across event loops: SQLite has one writer, and its own waiting is a lottery."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    async def enter(self) -> None:
        with self._lock:
            if not self._held:
                self._held = True
                return
            loop = asyncio.get_running_loop()
            turn: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        with self._lock:
            while self._waiting:
                loop, turn = self._waiting.popleft()
                if loop.is_closed():
                    continue
                loop.call_soon_threadsafe(self._wake, turn)
                return
            self._held = False

    def _wake(self, turn: "asyncio.Future[None]") -> None:
        if turn.cancelled():
            self.leave()
        else:
            turn.set_result(None)


_gates: dict[str, Gate] = {}


def gate_of(path: str) -> Gate:
    """The one gate of a file in this process."""
    return _gates.setdefault(path, Gate())
