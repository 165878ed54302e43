"""Why no plan serves a question, and what to do about it."""

from collections.abc import Sequence

from oms_api.kit.money import Money
from oms_api.promising.errors import NoSource, no_way, nobody_sends
from oms_api.promising.service.place import Place, places_of
from oms_api.promising.service.question import Question
from oms_api.sourcing import Shortage


def nobody(question: Question) -> NoSource:
    if able := _able(question):
        if any(map(question.shelf.reach.goes, able)):
            return _never(question, able)
        country, postal_code, *_ = question.destination or (None, None)
        return no_way(question.network.channel.handle, country, postal_code, question.path)
    what = "lets customers collect" if question.collected else "sends parcels"
    if question.left_out is not None:
        names = ", ".join(sorted(question.steering.ruled.excluded)[:5])
        return NoSource(
            f"Sourcing policy {question.steering.live.policy} leaves out every location that {what} ({names}); "
            "change it, or choose another way.",
            path=question.path,
        )
    if question.collected:
        return NoSource(
            "None of the locations named is active and lets customers collect; name another, or choose another way.",
            path=question.path,
        )
    return nobody_sends(question.network.channel.handle, question.path)


def _able(question: Question) -> list[Place]:
    """Locations that could do it if they had a day and a service for it."""
    out = {*question.steering.ruled.excluded, *(question.assuming.closed if question.assuming else ())}
    if question.collected:
        return question.candidates
    return [place for place in places_of(question.network) if place.serves(collected=False) and place.handle not in out]


def _never(question: Question, places: Sequence[Place]) -> NoSource:
    names = ", ".join(place.handle for place in places[:5])
    return NoSource(
        f"The next days have no room for it at {names}: open more with locationCalendarPut, allow more with "
        "locationCapacityPut, or ask for less at once.",
        path=question.path,
    )


def not_together(question: Question) -> NoSource:
    return NoSource(
        "No single location has all of it for collection; ask for less, or have it sent.", path=question.path
    )


def too_many(question: Question, shortage: Shortage) -> NoSource:
    steering, channel = question.steering, question.network.channel
    if shortage.fewest_shipments:
        who, how = f"channel {channel.handle}", "raise maxShipments"
        if steering.most_shipments != channel.max_shipments:
            who, how = f"sourcing policy {steering.live.policy}", "change the policy"
        found = "It would take" if shortage.proven else "No plan was found in the time allowed; one would take"
        return NoSource(
            f"{found} {shortage.fewest_shipments} shipments, {who} allows {steering.most_shipments}; "
            f"ask for less or {how}.",
            path=question.path,
        )
    if shortage.together:
        skus = ", ".join(shortage.together[0])
        return NoSource(
            f"No location has all of {skus}, which sourcing policy {steering.live.policy} keeps together; "
            "ask for less.",
            path=question.path,
        )
    if shortage.worth_too_little:
        least = Money(steering.ruled.settings.min_shipment_value or 0, channel.currency)
        return NoSource(
            f"It would take several shipments, and sourcing policy {steering.live.policy} allows none that is worth "
            f"less than {least}; ask for more, ask for less of it, or change the policy.",
            path=question.path,
        )
    if not shortage.proven:
        return NoSource("No plan was found in the time allowed; ask for less at once.", path=question.path)
    shelf = question.shelf
    stocked = [place for place in question.candidates if any(shelf.at(sku, place.id) > 0 for sku in question.grams)]
    return _never(question, stocked)
