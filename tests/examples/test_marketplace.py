"""The marketplace connector: Amazon's documented orders through the API, twice."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from client import Unreachable
from connector import Connector, Did, Outcome
from prepare import prepare

from examples.amazon_orders import (
    DOCUMENTED,
    FOLDER,
    ORDER,
    UK,
    US,
    item_v0,
    order_v0,
    told,
    usd,
)
from world import Api, World


async def transferred(api: Api, document: Any, **options: Any) -> list[Outcome]:
    async def send(text: str, variables: dict[str, Any]) -> dict[str, Any]:
        return await api.answer(text, **variables)

    return [outcome async for outcome in Connector(send, **options).transfer(document)]


async def prepared(api: Api) -> None:
    async def send(text: str, variables: dict[str, Any]) -> dict[str, Any]:
        return await api.answer(text, **variables)

    await prepare(send)


async def everything(api: Api) -> dict[str, Any]:
    """What a second run must not change."""
    await api.world.settle()
    stock = await api("{ inventory(first: 100) { nodes { sku onHand reserved } } }")
    orders = await api("{ orders(first: 100) { nodes { id version updatedAt } totalCount { value } } }")
    events = (await api("{ events(first: 100) { nodes { id } pageInfo { hasNextPage } } }"))["events"]
    assert not events["pageInfo"]["hasNextPage"]
    return {**stock, **orders, "events": len(events["nodes"])}


async def test_the_documented_orders_are_written_with_their_totals(api: Api) -> None:
    await prepared(api)
    outcomes = await transferred(api, DOCUMENTED)
    assert [(outcome.order_id, outcome.did) for outcome in outcomes] == [
        (US, Did.WRITTEN), (UK, Did.WRITTEN),
        ("902-3159896-1390916", Did.LEFT_OUT), ("903-1671087-0812628", Did.FAILED),
    ]  # fmt: skip
    first = (await api(ORDER, by={"external": {"channel": "amazon", "id": US}}))["order"]
    metadata = {entry["key"]: entry["value"] for entry in first.pop("metadata")}
    for line in first["lines"]:
        quantities = line.pop("quantities")
        assert quantities["reserved"] + quantities["allocated"] == line["quantity"]
    assert first == {
        "externalId": US, "status": "CONFIRMED", "placedAt": "2024-12-25T10:30:00.000000Z",
        "total": {"amount": "154.99"}, "subtotal": {"amount": "149.97"}, "shippingCharge": {"amount": "0.00"},
        "discountTotal": {"amount": "0.00"}, "taxTotal": {"amount": "0.02"}, "outstanding": {"amount": "0.00"},
        "customer": {"email": "buyer-email@marketplace.amazon.com"},
        "shippingAddress": {"name": "John Smith", "lines": ["123 Main Street", "Suite 456"], "city": "Seattle",
                            "region": "WA", "postalCode": "98101", "country": "US",
                            "company": "Smith Industries LLC", "phone": None},
        "adjustments": [
            {"kind": "FEE", "label": "Delivery tip", "amount": {"amount": "5.00"}, "included": False}],
        "lines": [
            {"sku": "ECHO-DOT-4-CHARCOAL", "externalId": "12345678901234", "quantity": 2,
             "unitPrice": {"amount": "49.99"},
             "adjustments": [
                 {"kind": "TAX", "label": "Tax on the item", "amount": {"amount": "0.02"}, "included": False}]},
            {"sku": "FIRE-TV-4K-2021", "externalId": "12345678901235", "quantity": 1,
             "unitPrice": {"amount": "49.99"}, "adjustments": []},
        ],
        "payments": [{"provider": "amazon", "status": "CAPTURED", "captured": {"amount": "154.99"},
                      "authorized": {"amount": "154.99"}}],
    }  # fmt: skip
    gift = metadata["amazon.items"]["12345678901234"]["fulfillment"]["packing"]["giftOption"]
    assert gift["giftMessage"] == "Happy Holidays! Enjoy your new smart speakers."
    second = (await api(ORDER, by={"external": {"channel": "amazon-gbp", "id": UK}}))["order"]
    assert [second[name]["amount"] for name in ("total", "subtotal", "shippingCharge", "taxTotal", "outstanding")] == [
        "103.97", "89.97", "10.00", "4.00", "0.00"
    ]  # fmt: skip


async def test_a_second_run_changes_nothing(api: Api) -> None:
    await prepared(api)
    await transferred(api, DOCUMENTED)
    before = await everything(api)
    assert before["orders"]["totalCount"]["value"] == 2
    again = await transferred(api, DOCUMENTED)
    assert [outcome.did for outcome in again] == [Did.KNOWN, Did.KNOWN, Did.LEFT_OUT, Did.FAILED]
    assert await everything(api) == before


async def test_two_runs_at_once_write_each_order_once(api: Api) -> None:
    await prepared(api)
    runs = await asyncio.gather(*(transferred(api, DOCUMENTED) for _ in range(4)))
    for number in (0, 1):
        assert sorted(run[number].did for run in runs) == [Did.KNOWN, Did.KNOWN, Did.KNOWN, Did.WRITTEN]
    assert (await everything(api))["orders"]["totalCount"]["value"] == 2


async def test_an_order_that_is_refused_is_told_and_the_others_go_on(api: Api) -> None:
    await prepared(api)
    unknown = told(order_v0(AmazonOrderId="A"), item_v0(SellerSKU="NO-SUCH-SKU"))
    too_many = told(order_v0(AmazonOrderId="B", OrderTotal=usd("1000.00")),
                    item_v0(QuantityOrdered=1000, ItemPrice=usd("1000.00")))  # fmt: skip
    yen = {"CurrencyCode": "JPY", "Amount": "300"}
    foreign = told(order_v0(AmazonOrderId="C", OrderTotal=yen), item_v0(ItemPrice=yen))
    by_amazon = told(order_v0(AmazonOrderId="D", FulfillmentChannel="AFN"), item_v0())
    good = told(order_v0(AmazonOrderId="E"), item_v0())
    before = await everything(api)
    outcomes = await transferred(api, [unknown, too_many, foreign, by_amazon, good])
    assert [outcome.did for outcome in outcomes] == [Did.FAILED, Did.FAILED, Did.FAILED, Did.LEFT_OUT, Did.WRITTEN]
    assert "'NO-SUCH-SKU'" in outcomes[0].text and outcomes[0].text.endswith("(input.lines.0.sku)")
    assert "FIRE-TV-4K-2021" in outcomes[1].text
    assert outcomes[2].text == "no channel sells in JPY; put one with the handle amazon-jpy"
    after = await everything(api)
    assert after["orders"]["totalCount"]["value"] == 1
    assert after["events"] > before["events"]
    held = {node["sku"]: node["reserved"] for node in after["inventory"]["nodes"]}
    assert held == {"ECHO-DOT-4-CHARCOAL": 0, "ECHO-DOT-4-UK-CHARCOAL-3PACK": 0, "FIRE-TV-4K-2021": 2}


async def test_orders_that_amazon_ships_go_to_their_own_channel(api: Api) -> None:
    await prepared(api)
    document = told(order_v0(FulfillmentChannel="AFN"), item_v0())
    (outcome,) = await transferred(api, document, channel="no-such", fba_channel="amazon")
    assert outcome.did is Did.WRITTEN


async def test_an_order_that_changed_at_amazon_is_known_and_the_difference_told(api: Api) -> None:
    await prepared(api)
    await transferred(api, told(order_v0(), item_v0()))
    changed = told(order_v0(OrderTotal=usd("12.99")), item_v0(QuantityOrdered=1, ItemPrice=usd("12.99")))
    before = await everything(api)
    (outcome,) = await transferred(api, changed)
    assert outcome.did is Did.KNOWN
    assert "Amazon's total is 12.99 now: it changed since it was written" in outcome.text
    assert await everything(api) == before


async def test_a_key_that_may_not_write_stops_the_run(world: World, api: Api) -> None:
    await prepared(api)
    weak = await world.key(api.handle, "network:read", "orders:read")
    with pytest.raises(Unreachable, match="orders:write"):
        await transferred(weak, DOCUMENTED)


async def run(*arguments: str) -> tuple[int, list[str], str]:
    """Status, lines and complaints of a Python program."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode().splitlines(), complaints.decode()


async def test_the_program_writes_once_and_its_status_tells(tmp_path: Path) -> None:
    """A real process against a real server: `oms dev` on its own folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oms_api", "dev", "--json", "--no-seed", "--port", "0",
        "--data-dir", str(tmp_path / "data"), stdout=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        ready = json.loads(await asyncio.wait_for(server.stdout.readline(), 60))
        access = ["--url", ready["url"], "--key", ready["apiKey"]]
        assert await run(str(FOLDER / "prepare.py"), *access) == (0, [], "")
        program, orders = str(FOLDER / "connector.py"), str(FOLDER / "orders.json")
        status, lines, _ = await run(program, *access, orders)
        assert (status, lines[-1]) == (1, "2 written, 0 known, 1 left out, 1 FAILED")
        status, lines, _ = await run(program, *access, orders)
        assert (status, lines[-1]) == (1, "0 written, 2 known, 1 left out, 1 FAILED")
        assert lines[0].startswith(f"{US}  known     number 1001, CONFIRMED, 154.99 USD")
        good = tmp_path / "good.json"
        good.write_text(json.dumps(DOCUMENTED["searchOrders_2026_01_01"]))
        status, lines, _ = await run(program, *access, str(good))
        assert (status, lines[-1]) == (0, "0 written, 1 known, 0 left out, 0 FAILED")
        assert (await run(program, "--url", ready["url"], "--key", "oms_test_wrong", str(good)))[0] == 2
        assert (await run(program, *access, str(tmp_path / "missing.json")))[0] == 2
    finally:
        server.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.wait(), 30) == 0
