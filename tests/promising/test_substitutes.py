"""What may stand in for a SKU is offered in the same answer, in units of the original."""

from datetime import timedelta

from promising.shop import MONDAY_NOON, TO_NEW_YORK, at, put_supply, shop
from world import Api, statements

ASK = """query($input: AvailabilityInput!) { availability(input: $input) {
  availability { sku available substitutes { sku ratio needsConsent available earliestDelivery } }
  userErrors { code } } }"""


async def test_substitutes_come_best_first_in_units_of_the_original(api: Api) -> None:
    tea = {"code": "TEA", "name": "Tea", "substitutes": [
        {"sku": "CHAI", "ratio": "2", "needsConsent": True}, {"sku": "MATE", "ratio": "0.5", "needsConsent": False},
        {"sku": "NONE", "needsConsent": False},
    ]}  # fmt: skip
    others = [{"code": code, "name": code} for code in ("CHAI", "MATE", "NONE", "CUP")]
    await shop(api, {"nyc": {}}, skus=others)
    await shop(api, {"nyc": {}}, {"TEA": {"nyc": 0}, "CHAI": {"nyc": 1}, "MATE": {"nyc": 3}}, skus=[tea])
    await put_supply(api, "po", "CHAI", "nyc", 4, MONDAY_NOON + timedelta(days=1))
    with at(MONDAY_NOON):
        asked = {"channel": "web", "skus": ["TEA", "CUP"], "destination": TO_NEW_YORK}
        found = (await api.ok(ASK, input=asked))["availability"]
        assert found == [
            {"sku": "TEA", "available": 0, "substitutes": [
                {"sku": "CHAI", "ratio": "2", "needsConsent": True, "available": 0, "earliestDelivery": "2026-12-02"},
                {"sku": "MATE", "ratio": "0.5", "needsConsent": False, "available": 6,
                 "earliestDelivery": "2026-12-01"},
                {"sku": "NONE", "ratio": "1", "needsConsent": False, "available": 0, "earliestDelivery": None},
            ]},
            {"sku": "CUP", "available": 0, "substitutes": []},
        ]  # fmt: skip


async def test_who_asks_for_substitutes_of_what_has_none_pays_nothing_for_it(api: Api) -> None:
    tea = {"code": "TEA", "name": "Tea", "substitutes": [{"sku": "MATE", "needsConsent": False}]}
    await shop(api, {"nyc": {}}, skus=[{"code": code, "name": code} for code in ("CUP", "MATE")])
    await shop(api, {"nyc": {}}, {"TEA": {"nyc": 1}, "CUP": {"nyc": 1}}, skus=[tea])

    async def counted(sku: str, document: str) -> int:
        await api.ok(document, input={"channel": "web", "skus": [sku]})  # its stock is known from now on
        with statements() as found:
            await api.ok(document, input={"channel": "web", "skus": [sku]})
        return len(found)

    plain = ASK.replace("substitutes { sku ratio needsConsent available earliestDelivery }", "")
    assert await counted("CUP", ASK) == await counted("CUP", plain)
    assert await counted("TEA", ASK) == await counted("TEA", plain) + 1
