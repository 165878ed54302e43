"""A cart that takes long to plan holds up nobody else."""

import asyncio
import threading
from typing import Any

import pytest

from oms_api.promising.service import options, planning
from promising.shop import TO_NEW_YORK, shop
from world import Api

PROMISE = """query($input: PromiseInput!) { promise(input: $input) {
  promise { options { shipments { lines { sku quantity } } } unavailable { code } } userErrors { code } } }"""
RESERVE = """mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) {
  reservation { lines { sku quantity } } userErrors { code } } }"""


@pytest.mark.parametrize(("document", "module"), [(PROMISE, options), (RESERVE, planning)])
async def test_others_are_answered_while_a_large_cart_is_planned(
    api: Api, monkeypatch: pytest.MonkeyPatch, document: str, module: Any
) -> None:
    skus = [f"S{i}" for i in range(planning.MANY_SKUS)]
    await shop(api, {"nyc": {}}, {sku: {"nyc": 1} for sku in skus})
    solve = planning.solve
    begun, answered = threading.Event(), threading.Event()

    def patient(*args: Any) -> planning.Planned:
        begun.set()
        assert answered.wait(20), "nobody was answered meanwhile"
        return solve(*args)

    monkeypatch.setattr(module, "solve", patient)
    cart = [{"sku": sku, "quantity": 1} for sku in skus]
    plan = asyncio.create_task(api(document, input={"channel": "web", "destination": TO_NEW_YORK, "lines": cart}))
    assert await asyncio.to_thread(begun.wait, 20)
    await api("{ viewer { tenant } }")
    assert not plan.done()
    answered.set()
    ((_, answer),) = (await plan).items()
    sent = answer["promise"]["options"][0]["shipments"][0] if module is options else answer["reservation"]
    assert sorted(line["sku"] for line in sent["lines"]) == sorted(skus)


async def test_a_small_cart_is_planned_where_it_is_asked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop(api, {"nyc": {}}, {"A": {"nyc": 1}})
    threads: list[threading.Thread] = []
    solve = planning.solve

    def noted(*args: Any) -> planning.Planned:
        threads.append(threading.current_thread())
        return solve(*args)

    monkeypatch.setattr(options, "solve", noted)
    asked = {"channel": "web", "destination": TO_NEW_YORK, "lines": [{"sku": "A", "quantity": 1}]}
    assert (await api.ok(PROMISE, input=asked))["promise"]["options"]
    assert set(threads) == {threading.current_thread()}
