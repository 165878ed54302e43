"""What a location refused is decided again, and the decision says who was not asked."""

from fulfillment.desk import REASSIGN, Desk
from fulfillment.test_reject import THREE, no

DECISIONS = """query($id: ID!) { order(by: { id: $id }) { sourcingDecisions {
  reason shipments { location } rejected { location reason message } } } }"""


async def test_a_location_that_said_no_is_cooled_down_and_the_decision_tells_so(desk: Desk) -> None:
    await desk.open({"A": {"near": 6, "mid": 6, "far": 6}}, locations=THREE)
    order = await desk.order(lines={"A": 3})
    await no(desk, order["fulfillments"][0])
    decisions = (await desk.api(DECISIONS, id=order["id"]))["order"]["sourcingDecisions"]
    assert [one["reason"] for one in decisions] == ["ORDER", "REASSIGNMENT"]
    assert [row["location"] for row in decisions[0]["rejected"]] == ["mid", "far"]
    assert decisions[1]["shipments"] == [{"location": "mid"}]
    assert [(row["location"], row["reason"], row["message"]) for row in decisions[1]["rejected"]][1:] == [
        ("near", "REJECTED_BEFORE", "near said no to it before."),
    ]


async def test_who_is_sent_to_a_named_location_hears_that_no_other_was_asked(desk: Desk) -> None:
    await desk.open({"A": {"near": 6, "mid": 6, "far": 6}}, locations=THREE)
    order = await desk.order(lines={"A": 3})
    await desk.api.ok(REASSIGN, input={"id": order["fulfillments"][0]["id"], "location": "far"})
    decision = (await desk.api(DECISIONS, id=order["id"]))["order"]["sourcingDecisions"][-1]
    assert decision == {
        "reason": "REASSIGNMENT", "shipments": [{"location": "far"}],
        "rejected": [
            {"location": name, "reason": "NOT_ELIGIBLE", "message": f"{name} is not where it was asked to go."}
            for name in ("near", "mid")
        ],
    }  # fmt: skip
