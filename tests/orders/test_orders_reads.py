"""Finding orders: one by reference, many by filter, search, sort and page."""

from typing import Any

import pytest

from documents import document
from orders.store import Store, sku, usd
from promising.shop import CHANNELS
from world import statements, travel

PAGE = """query($where: OrderWhere, $search: String, $orderBy: [OrderOrderBy!], $first: Int, $after: String, $last: Int,
  $before: String) { orders(where: $where, search: $search, orderBy: $orderBy, first: $first, after: $after,
  last: $last, before: $before) {
  nodes { number } edges { cursor node { number } } totalCount { value precision }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
NUMBERS = """query($where: OrderWhere, $search: String, $orderBy: [OrderOrderBy!]) {
  orders(where: $where, search: $search, orderBy: $orderBy, first: 100) { nodes { number } } }"""
BY = "query($by: OrderRef!) { order(by: $by) { number } }"


async def numbers(store: Store, **variables: Any) -> list[int]:
    """Numbers of the found orders less 1000, in their order."""
    found = (await store.api(NUMBERS, **variables))["orders"]["nodes"]
    return [int(order["number"]) - 1000 for order in found]


async def refused(store: Store, **variables: Any) -> tuple[str, list[str]]:
    """Code and path of the top-level error."""
    (error,) = (await store.api.answer(PAGE, **variables))["errors"]
    return error["extensions"]["code"], error["extensions"]["userErrors"][0]["path"]


@pytest.fixture
async def five(store: Store) -> Store:
    """Orders 1 to 5: 1 and 2 of Ada, 3 pending at the market, 4 of B, 5 with metadata and no date."""
    await store.open({"A": {"dc": 9}, "B": {"dc": 9}, "C": {"dc": 0}}, skus=[sku("A"), sku("B_1%"), sku("B"), sku("C")])
    market = {"handle": "market", "name": "Market", "currency": "USD", "locations": ["dc"], "paymentRule": "CAPTURED"}
    await store.api.ok(CHANNELS, input={"channels": [market]})
    await store.create({"A": 1}, customer={"email": "Ada@Example.com"}, externalId="x-1")
    await store.create({"A": 1, "B": 1}, customer={"email": "ada@example.com"})
    await store.create({"A": 1}, channel="market", externalId="x-1", customer={})
    await store.create({"B": 1}, customer={"email": "bob@example.com", "externalId": "c-4"})
    entries = [{"key": "erp.id", "value": "E-5"}, {"key": "erp.size", "value": 3}]
    await store.create({"C": 1}, onShortage="BACKORDER", customer={}, metadata=entries)
    return store


async def test_an_order_is_found_by_id_number_and_external_id(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1}, externalId="902-1")
    for by in ({"id": order["id"]}, {"number": "1001"}, {"external": {"channel": "web", "id": "902-1"}}):
        assert (await store.api(BY, by=by))["order"] == {"number": "1001"}
    for by in ({"id": "ord_x"}, {"number": "1002"}, {"number": "x"}, {"external": {"channel": "pos", "id": "902-1"}}):
        assert (await store.api(BY, by=by))["order"] is None
    node = """query($id: ID!) { node(id: $id) {
      ... on Order { number } ... on OrderLine { sku } ... on DeliveryGroup { key } } }"""
    for id_, found in (
        (order["id"], {"number": "1001"}),
        (order["lines"][0]["id"], {"sku": "A"}),
        (order["deliveryGroups"][0]["id"], {"key": "default"}),
    ):
        assert (await store.api(node, id=id_))["node"] == found


async def test_another_tenant_sees_no_order(store: Store) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1}, externalId="902-1")
    stranger = await store.world.tenant()
    for by in ({"id": order["id"]}, {"number": "1001"}, {"external": {"channel": "web", "id": "902-1"}}):
        assert (await stranger(BY, by=by))["order"] is None
    assert (await stranger(NUMBERS))["orders"]["nodes"] == []
    assert (await stranger("query($id: ID!) { node(id: $id) { id } }", id=order["lines"][0]["id"]))["node"] is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"number": {"eq": "1002"}}, [2]),
        ({"number": {"in": ["1002", "1004", "x"]}}, [2, 4]),
        ({"number": {"notIn": ["1002", "1004"]}}, [1, 3, 5]),
        ({"number": {"startsWith": "100", "contains": "03"}}, [3]),
        ({"number": {"eq": "x"}}, []),
        ({"externalId": {"eq": "x-1"}}, [1, 3]),
        ({"externalId": {"isNull": True}}, [2, 4, 5]),
        ({"externalId": {"notIn": ["x-1"]}}, [2, 4, 5]),
        ({"channel": {"eq": "market"}}, [3]),
        ({"channel": {"contains": "ARK"}}, [3]),
        ({"status": {"in": ["PENDING"]}}, [3]),
        ({"status": {"notIn": ["PENDING"]}}, [1, 2, 4, 5]),
        ({"customerEmail": {"eq": "ADA@example.com"}}, [1, 2]),
        ({"customerEmail": {"startsWith": "b"}}, [4]),
        ({"sku": {"eq": "B"}}, [2, 4]),
        ({"sku": {"in": ["B", "C"]}}, [2, 4, 5]),
        ({"sku": {"contains": "%"}}, []),
        ({"metadata": [{"key": "erp.id", "value": {"eq": "E-5"}}]}, [5]),
        ({"metadata": [{"key": "erp.id", "value": {"eq": "E-5"}}, {"key": "erp.size", "value": {"eq": "4"}}]}, []),
        ({"metadata": [{"key": "erp.size", "value": {"eq": "3"}}]}, [5]),
        ({"metadata": [{"key": "erp.id", "value": {"isNull": True}}]}, [1, 2, 3, 4]),
        ({"createdAt": {"gt": "2020-01-01T00:00:00Z", "lte": "2999-01-01T00:00:00Z"}}, [1, 2, 3, 4, 5]),
        ({"createdAt": {"lt": "2020-01-01T00:00:00Z"}}, []),
        ({"updatedAt": {"gte": "2020-01-01T00:00:00Z", "isNull": False}}, [1, 2, 3, 4, 5]),
        ({"channel": {"eq": "web"}, "sku": {"eq": "A"}}, [1, 2]),
        ({"or": [{"sku": {"eq": "C"}}, {"channel": {"eq": "market"}}]}, [3, 5]),
        ({"or": []}, []),
        ({"and": [{"sku": {"eq": "A"}}, {"sku": {"eq": "B"}}]}, [2]),
        ({"not": {"sku": {"eq": "A"}}}, [4, 5]),
        ({"not": {"externalId": {"eq": "x-1"}}}, [2, 4, 5]),
        ({"not": {"or": [{"customerEmail": {"contains": "@"}}, {"sku": {"eq": "C"}}]}}, [3]),
    ],
)
async def test_a_filter_finds_exactly_what_it_says(five: Store, where: dict[str, Any], expected: list[int]) -> None:
    by_number = [{"key": "NUMBER"}]
    assert await numbers(five, where=where, orderBy=by_number) == expected
    rest = [number for number in range(1, 6) if number not in expected]
    assert await numbers(five, where={"not": where}, orderBy=by_number) == rest


async def test_a_human_finds_an_order_by_number_external_id_email_or_sku(five: Store) -> None:
    by_number = [{"key": "NUMBER"}]
    for term, expected in (
        ("1004", [4]), ("#1004", [4]), (" ada@EXAMPLE.com ", [1, 2]), ("B", [2, 4]), ("x-1", [1, 3]), ("100", []),
        ("'; --", []), ("", [1, 2, 3, 4, 5]), ("99999999999999999999", []),
    ):  # fmt: skip
        assert await numbers(five, search=term, orderBy=by_number) == expected, term
    assert await numbers(five, search="B", where={"sku": {"eq": "A"}}) == [2]
    assert await refused(five, search="x" * 255) == ("BAD_INPUT", ["search"])


async def test_orders_come_newest_first_unless_told_otherwise(five: Store) -> None:
    assert await numbers(five) == [5, 4, 3, 2, 1]
    assert await numbers(five, orderBy=[{"key": "CREATED_AT"}]) == [1, 2, 3, 4, 5]
    assert await numbers(five, orderBy=[{"key": "NUMBER", "direction": "DESC"}]) == [5, 4, 3, 2, 1]
    assert await numbers(five, orderBy=[{"key": "UPDATED_AT", "direction": "ASC"}]) == [1, 2, 3, 4, 5]
    assert await refused(five, orderBy=[{"key": "NUMBER"}, {"key": "NUMBER"}]) == ("BAD_INPUT", ["orderBy"])


async def test_orders_without_a_promised_date_come_last_in_both_directions(five: Store) -> None:
    with travel(days=30):
        await five.create({"A": 1})
    up = await numbers(five, orderBy=[{"key": "PROMISED_ON"}, {"key": "NUMBER"}])
    down = await numbers(five, orderBy=[{"key": "PROMISED_ON", "direction": "DESC"}, {"key": "NUMBER"}])
    assert (up, down) == ([1, 2, 3, 4, 6, 5], [6, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("key", ["CREATED_AT", "UPDATED_AT", "NUMBER", "PROMISED_ON"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_pages_meet_without_gap_or_overlap_in_both_directions(five: Store, key: str, direction: str) -> None:
    sort = [{"key": key, "direction": direction}]
    whole = await numbers(five, orderBy=sort)
    forward: list[int] = []
    after = None
    while True:
        page = (await five.api(PAGE, orderBy=sort, first=2, after=after))["orders"]
        forward += [int(order["number"]) - 1000 for order in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    backward: list[int] = []
    before = None
    while True:
        page = (await five.api(PAGE, orderBy=sort, last=2, before=before))["orders"]
        backward = [int(edge["node"]["number"]) - 1000 for edge in page["edges"]] + backward
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert forward == backward == whole


async def test_the_count_is_of_all_pages(five: Store) -> None:
    page = (await five.api(PAGE, where={"channel": {"eq": "web"}}, first=1))["orders"]
    assert page["totalCount"] == {"value": 4, "precision": "EXACT"}
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]


async def test_cursors_and_sizes_that_do_not_fit_are_refused(five: Store) -> None:
    cursor = (await five.api(PAGE, first=1))["orders"]["pageInfo"]["endCursor"]
    assert await refused(five, after=cursor, orderBy=[{"key": "NUMBER"}]) == ("BAD_INPUT", ["after"])
    assert await refused(five, after=cursor, where={"sku": {"eq": "A"}}) == ("BAD_INPUT", ["after"])
    assert await refused(five, first=101) == ("BAD_INPUT", ["first"])
    assert await refused(five, first=1, last=1) == ("BAD_INPUT", ["last"])
    many = {"or": [{"number": {"eq": "1"}}] * 101}
    assert await refused(five, where=many) == ("BAD_INPUT", ["where"])


async def test_a_count_stops_at_ten_thousand(five: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from oms_api.orders.graphql import reads
    from oms_api.orders.queries import page

    monkeypatch.setattr(page, "COUNT_MAX", 3)
    monkeypatch.setattr(reads, "COUNT_MAX", 3)
    assert (await five.api(PAGE, first=1))["orders"]["totalCount"] == {"value": 3, "precision": "AT_LEAST"}


FULL = """query($first: Int!) { orders(first: $first, orderBy: [{key: NUMBER}]) { nodes {
  number status total { amount } outstanding { amount } channel { handle } actions { name allowed }
  customer { email } shippingAddress { city } pickupLocation { handle }
  adjustments { label } payments { status captured { amount } }
  deliveryGroups { key pickupLocation { handle } lines { sku } }
  lines { sku quantity quantities { reserved } adjustments { label amount { amount } } deliveryGroup { key } } } } }"""


async def test_50_orders_take_as_many_statements_as_one(store: Store) -> None:
    await store.open({"A": {"shop": 500}}, locations={"shop": {"pickup": True}})
    for i in range(50):
        tax = [{"kind": "TAX", "label": "Tax", "amount": usd("1.00")}]
        await store.create(
            [{"sku": "A", "quantity": 1, "adjustments": tax}, {"sku": "A", "quantity": 2}],
            adjustments=tax,
            externalPayments=[{"method": "pos", "amount": usd("31.00")}],
            **({"pickupLocation": "shop"} if i % 2 == 0 else {}),
        )
    with statements() as one:
        assert len((await store.api(FULL, first=1))["orders"]["nodes"]) == 1
    with statements() as fifty:
        found = (await store.api(FULL, first=50))["orders"]["nodes"]
    assert len(found) == 50
    # orders, lines, groups, adjustments, channels, locations, payments
    assert len(fifty) == len(one) == 7


@pytest.mark.parametrize("written", ["0{}", "+{}", " {}", "{}\n", "{}.0", "#{}"])
async def test_a_number_names_an_order_only_as_it_is_written(store: Store, written: str) -> None:
    await store.open({"A": {"dc": 5}})
    order = await store.create({"A": 1})
    wrong = written.format(order["number"])
    assert (await store.api(BY, by={"number": wrong}))["order"] is None
    sent = {"idempotencyKey": "k", "order": {"number": wrong}, "reason": "changed_mind"}
    (error,) = await store.api.refused(document("orderCancel"), input=sent)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "order"])
    assert await store.look(order) == order
