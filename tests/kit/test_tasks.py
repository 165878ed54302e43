"""What runs beside requests does not end unheard."""

import asyncio

import structlog

from oms_api.kit.tasks import beside


async def test_an_error_that_ends_it_is_logged_at_once() -> None:
    async def breaks() -> None:
        raise LookupError("gone")

    with structlog.testing.capture_logs() as logged:
        task = beside(breaks(), "relay")
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
    assert [(entry["event"], entry["task"], str(entry["exc_info"])) for entry in logged] == [("bug", "relay", "gone")]


async def test_being_stopped_is_no_error() -> None:
    with structlog.testing.capture_logs() as logged:
        task = beside(asyncio.sleep(60), "relay")
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
    assert logged == []
