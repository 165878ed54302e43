"""What runs beside requests and jobs for as long as the process does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


def beside(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start it; that it ended by an error is logged at once, whoever waits for it and whenever."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("bug", task=task.get_name(), exc_info=error)
