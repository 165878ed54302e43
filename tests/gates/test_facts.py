"""A person's data stays where it can be erased: never in facts, logs, errors or what is kept for a repeat."""

import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from oms_api.kit import clock
from oms_api.kit.caller import system
from oms_api.orders import Order
from walk_opening import PERSON
from whole_walk import Walk
from world import Api, World

# each is in no word of ours, and no value is written in another form without one of them
WORDS = [
    word
    for value in PERSON.values()
    for word in value.replace("-", " ").replace("@", " ").replace(",", " ").split()
    if len(word) > 5
]


def found_in(text: str) -> list[str]:
    return [word for word in WORDS if word.casefold() in text.casefold()]


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every line that we log, and those of libraries that `log.configure` lets through: warnings and worse."""
    kept = _Kept()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(kept)
    root.setLevel(logging.WARNING)

    def keep(_: Any, __: str, event: dict[str, Any]) -> str:
        kept.lines.append(json.dumps(event, default=str))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, keep],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=False,
    )
    yield kept.lines
    structlog.configure(**before)
    root.removeHandler(kept)
    root.setLevel(level)


async def _rows(world: World, api: Api, sql: str) -> list[str]:
    async with world.db.reading(api.tenant_id) as reading:
        rows = await reading.text(f"{sql} WHERE tenant_id = '{api.tenant_id.hex}'")
    return [" ".join(map(str, row)) for row in rows]


async def test_no_fact_log_or_kept_outcome_carries_a_persons_data(world: World, api: Api, logged: list[str]) -> None:
    await Walk(api, "f").run()
    await world.tick("webhooks.deliver")
    facts = await _rows(world, api, "SELECT topic, data, added, updated, removed, actor_name FROM events")
    outcomes = await _rows(world, api, "SELECT operation, outcome FROM idempotency_keys")
    errors = await _rows(world, api, "SELECT error FROM reaction_failures")
    bodies = await _rows(world, api, "SELECT body FROM webhook_deliveries")
    assert len({fact.split()[0] for fact in facts}) > 25
    assert len(outcomes) > 30
    assert errors == []
    for kept in (facts, outcomes, bodies, logged):
        assert [(line, found_in(line)) for line in kept if found_in(line)] == []


async def test_the_scan_finds_what_it_looks_for(world: World, api: Api) -> None:
    await Walk(api, "g").run()
    orders = await _rows(world, api, "SELECT customer_email, customer_phone, billing_address, entries FROM orders")
    assert set(found_in(" ".join(orders))) == set(WORDS)


@pytest.mark.parametrize("change", [{"version": 0}, {"version": PERSON["email"]}])
async def test_what_a_database_says_of_a_row_that_it_refuses_is_not_passed_on(
    world: World, api: Api, change: dict[str, Any]
) -> None:
    """PostgreSQL tells the whole row (`Failing row contains (…)`), its driver the value that it cannot send."""
    now = clock.now()
    order: dict[str, Any] = {
        "tenant_id": api.tenant_id, "id": api.tenant_id, "channel_id": api.tenant_id, "number": 1, "version": 1,
        "status": "PENDING", "auto_confirm": True, "currency": "EUR", "subtotal_minor": 0, "shipping_minor": 0,
        "discount_minor": 0, "tax_minor": 0, "total_minor": 0, "customer_email": PERSON["email"], "promised_asc": 0,
        "promised_desc": 0, "placed_at": now, "created_at": now, "updated_at": now, "entries": {}, **change,
    }  # fmt: skip
    with pytest.raises(Exception) as refused:
        async with world.db.transaction(system(api.tenant_id)) as tx:
            await tx.insert(Order, [order])
    assert found_in("".join(traceback.format_exception(refused.value))) == []
