"""What the facts of a payment say changed are fields of the API's Payment."""

from oms_api.kit.events import Event
from oms_api.payments.graphql import Payment

from .till import CAPTURE, REFUND, VOID, Till


async def test_facts_name_what_changed_as_the_api_does(till: Till) -> None:
    payment = await till.authorized()
    await till.api.ok(CAPTURE, input=till.input(payment, amount="30.00"))
    await till.api.ok(VOID, input=till.input(payment))
    await till.api.ok(REFUND, input=till.input(payment))
    told = {event.topic: sorted(event.updated) for event in await till.rows(Event) if event.updated}
    assert told == {
        "payment.authorized": ["authorized", "status"],
        "payment.captured": ["captured", "status"],
        "payment.voided": ["voided"],
        "payment.refunded": ["refunded", "status"],
    }
    fields = {field.name for field in Payment.__strawberry_definition__.fields}  # type: ignore[attr-defined]
    assert {name for names in told.values() for name in names} <= fields
